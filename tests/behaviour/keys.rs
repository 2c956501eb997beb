//! Keys: all of them work and stay apart, or are refused.

use std::collections::HashSet;

use actor_core::Key;
use actor_core::prelude::*;

use crate::support::{directory, files, start};

/// Remembers its own key.
#[derive(Actor)]
#[actor(name = "keyed")]
struct Keyed {
    #[state]
    written: State<String>,
}

#[actor]
impl Keyed {
    #[action]
    fn write(&mut self, _cx: &mut Context<'_, Self>, text: String) -> Result<()> {
        *self.written = text;
        Ok(())
    }

    #[action]
    fn read(&self, cx: &mut Context<'_, Self>) -> Result<(String, String)> {
        Ok((cx.key().to_string(), self.written.clone()))
    }
}

fn odd_keys() -> Vec<Key> {
    let singles = [
        "",
        ".",
        "..",
        "../../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "CON",
        "con",
        "nul.txt",
        "A",
        "a",
        "É",
        "é",
        "e\u{301}",
        "🦀",
        "\0",
        "a\0b",
        "\n",
        " ",
        "%2f",
        "%",
        "~1",
        "k_",
        "*?<>|\":",
        "x.db",
        "-wal",
        "\u{202e}",
    ];
    let mut keys: Vec<Key> = singles.iter().map(|text| Key::new(text).unwrap()).collect();
    keys.push(Key::from_parts(["a", "b"]).unwrap());
    keys.push(Key::from_parts(["a", ""]).unwrap());
    keys.push(Key::from_parts(["", ""]).unwrap());
    keys.push(Key::from_parts(["", "", ""]).unwrap());
    keys.push(Key::new(&"x".repeat(128)).unwrap());
    keys.push(Key::new(&"🦀".repeat(32)).unwrap());
    keys.push(Key::from_parts(vec!["x".repeat(128); 8]).unwrap());
    let mut last = vec!["x".repeat(128); 7];
    last.push("x".repeat(127) + "y");
    keys.push(Key::from_parts(last).unwrap());
    keys
}

#[tokio::test(start_paused = true)]
async fn every_key_has_its_own_actor_inside_of_the_data_directory() {
    let directory = directory();
    let inside = directory.path().join("data");
    let system = System::builder()
        .data_dir(&inside)
        .register::<Keyed>()
        .start()
        .await
        .unwrap();
    let keys = odd_keys();
    for (index, key) in keys.iter().enumerate() {
        let actor = system.get_or_create::<Keyed>(key, ());
        actor.write(index.to_string()).await.unwrap();
        actor.sleep().await.unwrap();
    }
    for (index, key) in keys.iter().enumerate() {
        let found = system.get::<Keyed>(key).read().await.unwrap();
        assert_eq!(found, (key.to_string(), index.to_string()));
    }
    let listed = system.list::<Keyed>(None, 1_000).await.unwrap();
    let listed: HashSet<Key> = listed.into_iter().map(|actor| actor.key).collect();
    assert_eq!(listed, keys.iter().cloned().collect());
    system.shutdown().await.unwrap();
    assert_eq!(files(&inside, "keyed").len(), keys.len());
    assert_eq!(files(directory.path(), "."), ["data"]);
    assert_eq!(
        files(&inside, "."),
        ["_log", "attempts", "directory.db", "keyed", "lock"]
    );
}

#[tokio::test(start_paused = true)]
async fn keys_over_the_limits_are_refused() {
    let directory = directory();
    let system = start::<Keyed>(directory.path()).await;
    let error = system
        .get_or_create::<Keyed>("x".repeat(1_024), ())
        .read()
        .await
        .unwrap_err();
    assert_eq!((error.group(), error.code()), ("key", "part_too_long"));
    let error = system
        .create::<Keyed>("x".repeat(129), ())
        .await
        .unwrap_err();
    assert_eq!((error.group(), error.code()), ("key", "part_too_long"));
    assert_eq!(files(directory.path(), "keyed"), [""; 0]);
}
