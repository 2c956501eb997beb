//! What a file tells of a half, and what it does not.

use super::*;

/// Writes a file and asks for the struct without a derive.
fn forgotten(source: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lib.rs");
    std::fs::write(&file, source).unwrap();
    without_derive(Some(&file), "Room").is_some()
}

/// Writes a file and asks for the block of a hook: whether it is an actor's, and the hook its first.
fn unmarked(source: &str, method: &str) -> Option<(bool, bool)> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lib.rs");
    std::fs::write(&file, source).unwrap();
    around(Some(&file), method).map(|found| (found.block.is_some(), found.is_first))
}

#[test]
fn a_struct_beside_its_block_lacks_its_derive_if_nothing_could_be_it() {
    let block = "#[actor] impl Room {}";
    for lacking in [
        "struct Room;",
        "#[derive(Debug, serde::Serialize)] #[allow(dead_code)] pub struct Room { a: u8 }",
        "#[actor(name = \"a\")] struct Room {}",
    ] {
        assert!(forgotten(&format!("{lacking} {block}")), "{lacking}");
        assert!(forgotten(&format!("{block} {lacking}")), "{lacking}");
        assert!(forgotten(&format!("mod a {{ {block} {lacking} }}")));
        assert!(forgotten(&format!("fn a() {{ {block} {lacking} }}")));
    }
    for not_known in [
        "#[derive(Actor)] struct Room;",
        "#[derive(Debug)] #[derive(actor_core::Actor)] struct Room;",
        "#[derive(Performer)] struct Room;",
        "#[cfg_attr(all(), derive(Actor))] struct Room;",
        "#[with_derives] struct Room;",
        "#[cfg(unix)] struct Room; #[cfg(not(unix))] struct Room;",
        "mod other { struct Room; }",
        "use other::Room;",
        "make! { struct Room; }",
        "enum Room {}",
    ] {
        assert!(!forgotten(&format!("{not_known} {block}")), "{not_known}");
    }
    let two = "mod a { struct Room; #[actor] impl Room {} } \
               mod b { #[derive(Actor)] struct Room; #[actor] impl Room {} }";
    assert!(!forgotten(two));
    assert!(!forgotten("struct Room; #[actor] impl Room { fn"));
    assert!(without_derive(None, "Room").is_none());
    assert!(without_derive(Some(Path::new("/no/such/file.rs")), "Room").is_none());
}

#[test]
fn a_hook_knows_the_block_that_lacks_its_mark() {
    let derived = "#[derive(Actor)] struct Room;";
    let block = "impl Room { fn help() {} #[action] fn a() {} #[on_wake] fn b() {} }";
    let both = format!("{derived} {block}");
    assert_eq!(unmarked(&both, "a"), Some((true, true)));
    assert_eq!(unmarked(&both, "b"), Some((true, false)));
    assert_eq!(unmarked(&both, "help"), None);
    assert_eq!(unmarked(block, "b"), Some((false, false)));
    assert_eq!(
        unmarked(&format!("struct Room; {block}"), "a"),
        Some((false, true))
    );
    assert_eq!(unmarked(&format!("{derived} #[other] {block}"), "a"), None);
    assert_eq!(unmarked(&format!("{derived} #[actor] {block}"), "a"), None);
    let twice = format!("{both} mod other {{ {both} }}");
    assert_eq!(unmarked(&twice, "a"), None);
    let second = format!("{both} #[actor] impl Room {{}}");
    assert_eq!(unmarked(&second, "a"), Some((false, true)));
}
