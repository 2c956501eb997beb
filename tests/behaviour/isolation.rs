//! Handlers stay inside of their transaction and of their tables.

use actor_core::prelude::*;

use crate::probe::{NEW, Probe, probes};
use crate::support::tamper;

#[tokio::test(start_paused = true)]
async fn an_action_that_takes_a_shared_self_cannot_write() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let refused = [
        probe.sly().await.unwrap_err().to_string(),
        probe.sly_returning().await.unwrap_err().to_string(),
    ];
    assert_eq!(
        refused,
        [
            "`sly` of probe \"a\" failed: `sly` takes `&self`, so it may only read",
            "`sly_returning` of probe \"a\" failed: `sly_returning` takes `&self`, so it may only read",
        ]
    );
    assert_eq!(probe.add("x").await.unwrap(), 1);
    // The statement is prepared already; it is refused all the same.
    probe.sly().await.unwrap_err();
    assert_eq!(probe.rows().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn handlers_cannot_leave_their_transaction_or_touch_what_is_not_theirs() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let other = directory.path().join("other.db");
    let attach = format!("ATTACH '{}' AS other", other.display());
    let refusals = [
        (
            "COMMIT",
            "COMMIT is not for handlers: an action is a transaction already, and Diesel's `transaction` is a savepoint in it",
        ),
        (
            "ROLLBACK",
            "ROLLBACK is not for handlers: an action is a transaction already, and Diesel's `transaction` is a savepoint in it",
        ),
        (
            "BEGIN",
            "BEGIN is not for handlers: an action is a transaction already, and Diesel's `transaction` is a savepoint in it",
        ),
        (
            attach.as_str(),
            "an actor has one database: ATTACH and DETACH are not for handlers",
        ),
        (
            "PRAGMA journal_mode = DELETE",
            "PRAGMA journal_mode is not for handlers",
        ),
        (
            "PRAGMA query_only = OFF",
            "PRAGMA query_only is not for handlers",
        ),
        (
            "PRAGMA user_version = 3",
            "PRAGMA user_version is not for handlers",
        ),
        (
            "DELETE FROM _actor_meta",
            "the table _actor_meta is the framework's",
        ),
        (
            "SELECT * FROM _actor_state",
            "the table _actor_state is the framework's",
        ),
        (
            "DELETE FROM __diesel_schema_migrations",
            "the table __diesel_schema_migrations is the framework's",
        ),
        (
            "CREATE TEMP TABLE t (i)",
            "temporary objects belong to a connection, which an actor does not have: t",
        ),
        (
            "CREATE TABLE t (i)",
            "the schema changes in migrations only, not in handlers: t",
        ),
        (
            "DROP TABLE notes",
            "the schema changes in migrations only, not in handlers: notes",
        ),
        (
            "ALTER TABLE notes ADD COLUMN x",
            "the schema changes in migrations only, not in handlers: notes",
        ),
        (
            "CREATE INDEX i ON notes (text)",
            "the schema changes in migrations only, not in handlers: i",
        ),
    ];
    for (sql, reason) in refusals {
        let error = probe
            .raw(format!("INSERT INTO notes (text) VALUES ('x'); {sql}"))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`raw` of probe \"a\" failed: {reason}")
        );
    }
    assert_eq!(
        probe.rows().await.unwrap(),
        0,
        "what ran before it is undone"
    );
    assert!(!other.exists());
    let error = probe.raw("VACUUM").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`raw` of probe \"a\" failed: cannot VACUUM from within a transaction"
    );
    probe
        .raw("PRAGMA foreign_key_check; PRAGMA table_info(notes)")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_of_diesels_is_a_savepoint() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.savepoint().await.unwrap(), 1);
    assert_eq!(probe.texts().await.unwrap(), ["outside"]);
    assert_eq!(probe.savepoint().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_ignores_the_end_of_its_transaction_is_undone() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    probe.sleep().await.unwrap();
    // A trigger that rolls back ends the whole transaction, whatever the handler thinks.
    tamper(
        directory.path(),
        crate::probe::FILE,
        "CREATE TRIGGER t BEFORE INSERT ON notes WHEN new.text = 'boom' BEGIN SELECT RAISE(ROLLBACK, 'boom'); END",
    );
    let error = probe
        .raw("INSERT INTO notes (text) VALUES ('a'); INSERT INTO notes (text) VALUES ('boom')");
    assert_eq!(
        error.await.unwrap_err().to_string(),
        "`raw` of probe \"a\" failed: boom"
    );
    assert_eq!(probe.rows().await.unwrap(), 0);
    assert_eq!(probe.add("fine").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_systems_cannot_have_one_directory() {
    let (directory, _, _, system) = probes().await;
    let second = System::builder()
        .data_dir(directory.path())
        .start()
        .await
        .unwrap_err();
    assert_eq!((second.group(), second.code()), ("system", "in_use"));
    let path = directory.path().canonicalize().unwrap();
    assert_eq!(
        second.to_string(),
        format!(
            "cannot start: the data directory {} is locked by another system of this process; shut that down first",
            path.display()
        )
    );
    assert_eq!(
        system
            .get_or_create::<Probe>("a", NEW)
            .rows()
            .await
            .unwrap(),
        0
    );
}
