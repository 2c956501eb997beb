//! The directory lists actors, and can be made anew from their files.

use actor_core::Status;

use crate::probe::{FILE, NEW, Probe};
use crate::support::{directory, files, key, keys, start, tamper};

#[tokio::test(start_paused = true)]
async fn actors_are_listed_by_key_in_pages() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    for name in ["c", "a", "d", "b"] {
        system.create::<Probe>(name, NEW).await.unwrap();
    }
    system.get::<Probe>("b").sleep().await.unwrap();
    let first = system.list::<Probe>(None, 3).await.unwrap();
    let shown: Vec<_> = first
        .iter()
        .map(|actor| {
            (
                actor.key.as_str(),
                actor.status,
                actor.schema_version.as_deref(),
            )
        })
        .collect();
    let version = Some("20261122000001");
    assert_eq!(
        shown,
        [
            ("a", Status::Awake, version),
            ("b", Status::Asleep, version),
            ("c", Status::Awake, version),
        ]
    );
    let rest = system.list::<Probe>(Some(&key("c")), 3).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].key, key("d"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_or_damaged_directory_is_made_anew() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    for name in ["a", "b"] {
        system.create::<Probe>(name, NEW).await.unwrap();
    }
    system.shutdown().await.unwrap();
    for damage in ["remove", "overwrite"] {
        let path = directory.path().join("directory.db");
        match damage {
            "remove" => std::fs::remove_file(&path).unwrap(),
            _ => std::fs::write(&path, "this is not a database, and never was one").unwrap(),
        }
        let system = start::<Probe>(directory.path()).await;
        assert_eq!(keys::<Probe>(&system).await, ["a", "b"]);
        system.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_behind_is_cleared_away() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    for name in ["a", "b"] {
        system.create::<Probe>(name, NEW).await.unwrap();
    }
    system.shutdown().await.unwrap();
    // As after a crash between the end of an actor and the end of its file, and in the middle of a creation.
    tamper(directory.path(), FILE, "DELETE FROM _actor_meta");
    std::fs::write(directory.path().join("probe/k_c.new"), "half an image").unwrap();
    // It says so itself when it was not finished.
    tamper(
        directory.path(),
        "directory.db",
        "UPDATE about SET whole = 0",
    );
    let system = start::<Probe>(directory.path()).await;
    assert_eq!(keys::<Probe>(&system).await, ["b"]);
    assert_eq!(files(directory.path(), "probe"), ["k_b.db"]);
    assert_eq!(
        system.get::<Probe>("a").rows().await.unwrap_err().code(),
        "not_found"
    );
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    system
        .create::<Probe>("a", NEW)
        .await
        .unwrap()
        .sleep()
        .await
        .unwrap();
    let path = directory.path().join(FILE);
    let garbage = vec![7; 10_000];
    std::fs::write(&path, &garbage).unwrap();
    let error = system
        .get_or_create::<Probe>("a", NEW)
        .rows()
        .await
        .unwrap_err();
    assert_eq!((error.group(), error.code()), ("store", "corrupt"));
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_database_is_refused_and_left_as_it_is() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    system
        .create::<Probe>("b", NEW)
        .await
        .unwrap()
        .sleep()
        .await
        .unwrap();
    let foreign = directory.path().join("probe/k_x.db");
    {
        use diesel::connection::{Connection as _, SimpleConnection as _};
        let mut connection =
            diesel::sqlite::SqliteConnection::establish(foreign.to_str().unwrap()).unwrap();
        connection.batch_execute("CREATE TABLE mine (i)").unwrap();
    }
    let error = system
        .get_or_create::<Probe>("x", NEW)
        .rows()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "foreign");
    std::fs::copy(
        directory.path().join("probe/k_b.db"),
        directory.path().join("probe/k_y.db"),
    )
    .unwrap();
    let error = system
        .get_or_create::<Probe>("y", NEW)
        .rows()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "foreign");
    assert!(
        error
            .to_string()
            .ends_with("holds probe \"b\", not probe \"y\"")
    );
    assert!(foreign.exists());
}

#[tokio::test(start_paused = true)]
async fn a_newer_format_is_refused() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    system
        .create::<Probe>("a", NEW)
        .await
        .unwrap()
        .sleep()
        .await
        .unwrap();
    tamper(directory.path(), FILE, "UPDATE _actor_meta SET format = 99");
    let error = system
        .get_or_create::<Probe>("a", NEW)
        .rows()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "newer_format");
    assert!(
        error
            .to_string()
            .ends_with("has format 99, this program knows up to 2")
    );
}
