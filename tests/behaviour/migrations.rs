//! Migrations of waking actors: all or none, and refusals that change nothing.

use std::path::Path;
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{StartCause, Step};
use diesel::prelude::*;

use crate::support::{count, directory, number, pass, start, tamper};

actor_core::schema! { mod schema = "migrations/ledger_v1"; }
actor_core::schema! { mod v3 = "migrations/ledger_v3" at "2026-11-22-000003"; }
use schema::accounts;

/// The programs that follow each other: the same actor, with other migrations.
macro_rules! program {
    ($name:ident, $directory:literal { $($more:tt)* }) => {
        #[derive(Actor)]
        #[actor(name = "ledger")]
        struct $name {}

        #[actor]
        impl $name {
            #[migrate($directory)]
            fn migrate() {}

            #[action]
            fn open(&mut self, cx: &mut Context<'_, Self>, owner: String) -> Result<()> {
                diesel::insert_into(accounts::table)
                    .values(accounts::owner.eq(owner))
                    .execute(cx.db())?;
                Ok(())
            }

            #[action]
            fn owners(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
                Ok(accounts::table
                    .order(accounts::id)
                    .select(accounts::owner)
                    .load(cx.db())?)
            }

            $($more)*
        }
    };
}

program!(First, "migrations/ledger_v1" {});
program!(BrokenThird, "migrations/ledger_broken" {});
program!(Mended, "migrations/ledger_mended" {});
program!(Edited, "migrations/ledger_edited" {});
// The first migration with other comments and blanks; the lock of one knows how the file was shipped.
program!(Commented, "migrations/ledger_commented" {});
program!(Unlocked, "migrations/ledger_unlocked" {});
program!(Skipping, "migrations/ledger_skipping" {});
program!(Orphans, "migrations/ledger_orphans" {});
program!(Rebuilt, "migrations/ledger_rebuilt" {});
program!(Slugs, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000003")]
    async fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        use v3::accounts;

        let found: Vec<(i64, String)> = accounts::table
            .select((accounts::id, accounts::owner))
            .load(cx.db())?;
        for (id, owner) in found {
            tokio::task::yield_now().await;
            diesel::update(accounts::table.find(id))
                .set(accounts::slug.eq(format!("{}-{id}", owner.to_lowercase())))
                .execute(cx.db())?;
        }
        Ok(())
    }

    #[action]
    fn slugs(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(diesel::dsl::sql_query("SELECT slug AS text FROM accounts ORDER BY id")
            .load::<OneText>(cx.db())?
            .into_iter()
            .map(|row| row.text)
            .collect())
    }
});
program!(SlugsFail, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000003")]
    fn fill_slugs(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        diesel::sql_query("UPDATE accounts SET slug = 'half'").execute(cx.db())?;
        Err(Failure::message("no slugs today"))
    }
});
program!(NewToo, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000001", new = true)]
    fn house_account(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        diesel::insert_into(accounts::table)
            .values(accounts::owner.eq("house"))
            .execute(cx.db())?;
        Ok(())
    }

    #[data_migration(after = "2026-11-22-000003")]
    fn never_for_new_ones(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        Err(Failure::message("this is for old actors only"))
    }
});

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// Makes a ledger of the first program with two accounts of one owner.
async fn old_ledger() -> tempfile::TempDir {
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    let ledger = system.get_or_create::<First>("a", ());
    ledger.open("Ann").await.unwrap();
    ledger.open("Ann").await.unwrap();
    system.shutdown().await.unwrap();
    directory
}

const FILE: &str = "ledger/k_a.db";
const VERSIONS: &str = "(SELECT count(*) FROM __diesel_schema_migrations)";
const ENTRIES: &str = "(SELECT count(*) FROM sqlite_schema WHERE name = 'entries')";

#[tokio::test(start_paused = true)]
async fn a_failed_migration_undoes_all_and_every_waiting_caller_learns_why() {
    let directory = old_ledger().await;
    let system = start::<BrokenThird>(directory.path()).await;
    let ledger = system.get::<BrokenThird>("a");
    let (a, b, c) = tokio::join!(ledger.owners(), ledger.open("Bob"), ledger.owners());
    for error in [a.unwrap_err(), b.unwrap_err(), c.unwrap_err()] {
        assert_eq!((error.group(), error.code()), ("migration", "failed"));
        assert_eq!(
            error.to_string(),
            "ledger \"a\" did not start: migrate: migration 2026-11-22-000003_unique failed: \
             UNIQUE constraint failed: accounts.owner"
        );
        let CallError::Start(error) = error else {
            panic!("not a start error")
        };
        assert_eq!(error.step, Some(Step::Migrate));
        assert!(matches!(error.cause, StartCause::Migration(_)));
    }
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 1);
    assert_eq!(
        number(directory.path(), FILE, ENTRIES),
        0,
        "no table of the second migration"
    );

    let system = start::<Mended>(directory.path()).await;
    assert_eq!(
        system.get::<Mended>("a").owners().await.unwrap(),
        ["Ann", "Ann"]
    );
    let listed = system.list::<Mended>(None, 1).await.unwrap();
    assert_eq!(listed[0].schema_version.as_deref(), Some("20261122000003"));
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 3);
    assert_eq!(number(directory.path(), FILE, ENTRIES), 1);
    assert_eq!(count(directory.path(), FILE, "_actor_migrations"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_rust_step_runs_right_after_its_version_and_once() {
    let directory = old_ledger().await;
    let system = start::<Slugs>(directory.path()).await;
    let ledger = system.get::<Slugs>("a");
    // Without the step the unique index of the fourth version would not apply.
    assert_eq!(ledger.slugs().await.unwrap(), ["ann-1", "ann-2"]);
    ledger.sleep().await.unwrap();
    assert_eq!(ledger.slugs().await.unwrap(), ["ann-1", "ann-2"]);
    // A new actor starts from the finished schema, and the step is not for it.
    let fresh = system.get_or_create::<Slugs>("b", ());
    assert_eq!(fresh.slugs().await.unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rust_step_that_fails_undoes_all() {
    let directory = old_ledger().await;
    let system = start::<SlugsFail>(directory.path()).await;
    let error = system.get::<SlugsFail>("a").owners().await.unwrap_err();
    assert_eq!(
        (error.group(), error.code()),
        ("migration", "data_step_failed")
    );
    assert_eq!(
        error.to_string(),
        "ledger \"a\" did not start: migrate (`fill_slugs`): \
         the data migration `fill_slugs` after version 20261122000003 failed: no slugs today"
    );
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 1);
    let slug = "(SELECT count(*) FROM pragma_table_info('accounts') WHERE name = 'slug')";
    assert_eq!(number(directory.path(), FILE, slug), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rust_step_for_new_actors_runs_for_them_in_its_place() {
    let directory = directory();
    let system = start::<NewToo>(directory.path()).await;
    let ledger = system.get_or_create::<NewToo>("a", ());
    assert_eq!(ledger.owners().await.unwrap(), ["house"]);
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 4);
}

/// Holds a call's error against what it should be, and the file against what it was.
fn refused(directory: &Path, before: &[u8], error: &CallError, code: &str, text: &str) {
    assert_eq!((error.group(), error.code()), ("migration", code));
    assert_eq!(
        error.to_string(),
        format!("ledger \"a\" did not start: migrate: {text}")
    );
    let after = std::fs::read(directory.join(FILE)).unwrap();
    assert_eq!(after, before, "nothing was changed");
}

#[tokio::test(start_paused = true)]
async fn a_database_with_a_newer_version_is_refused() {
    let directory = directory();
    let system = start::<Mended>(directory.path()).await;
    system.create::<Mended>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = start::<First>(directory.path()).await;
    // A handle that may create the actor must not replace it.
    let error = system
        .get_or_create::<First>("a", ())
        .owners()
        .await
        .unwrap_err();
    system.shutdown().await.unwrap();
    refused(
        directory.path(),
        &before,
        &error,
        "newer_database",
        "the database has version 20261122000002, which is newer than the program's newest, 20261122000001",
    );
}

#[tokio::test(start_paused = true)]
async fn an_edited_migration_is_refused() {
    let directory = old_ledger().await;
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = start::<Edited>(directory.path()).await;
    let error = system.get::<Edited>("a").owners().await.unwrap_err();
    system.shutdown().await.unwrap();
    refused(directory.path(), &before, &error, "edited", EDITED);
}

const EDITED: &str = "migration 2026-11-22-000001_accounts was edited after this database applied it: restore it, and add a \
                      migration for the change";

/// Wakes the actor of [`old_ledger`] in another program.
macro_rules! wake {
    ($program:ty, $directory:expr) => {{
        let system = start::<$program>($directory).await;
        let owners = system.get::<$program>("a").owners().await;
        system.shutdown().await.unwrap();
        owners
    }};
}

/// Makes the file what a program left that took the checksum of the whole `up.sql`.
fn write_first_form(directory: &Path) {
    let shipped = "87993e564c26cfd581514ede59b9e3798b2e7cbb375d1964da50f7e3130ead1a";
    let sql = format!(
        "UPDATE _actor_migrations SET checksum = '{shipped}'; UPDATE _actor_meta SET schema = 'old'"
    );
    tamper(directory, FILE, &sql);
}

#[tokio::test(start_paused = true)]
async fn comments_and_blanks_of_an_applied_migration_may_change() {
    let directory = old_ledger().await;
    let path = directory.path();
    assert_eq!(wake!(Commented, path).unwrap(), ["Ann", "Ann"]);
    assert_eq!(wake!(Unlocked, path).unwrap(), ["Ann", "Ann"]);

    // The checksum of a file is accepted while the file is that one, or while the lock knows it.
    write_first_form(path);
    let error = wake!(Unlocked, path).unwrap_err();
    assert_eq!((error.group(), error.code()), ("migration", "edited"));
    assert_eq!(wake!(Commented, path).unwrap(), ["Ann", "Ann"]);

    // The first start brings it to the present form, so that its comments may change from then on.
    write_first_form(path);
    assert_eq!(wake!(First, path).unwrap(), ["Ann", "Ann"]);
    assert_eq!(wake!(Unlocked, path).unwrap(), ["Ann", "Ann"]);
    let old = "(SELECT count(*) FROM _actor_migrations WHERE checksum NOT LIKE 'sql:%')";
    assert_eq!(number(path, FILE, old), 0);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_skipped_in_the_middle_is_refused() {
    let directory = old_ledger().await;
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    let system = start::<Skipping>(directory.path()).await;
    let error = system.get::<Skipping>("a").owners().await.unwrap_err();
    system.shutdown().await.unwrap();
    refused(
        directory.path(),
        &before,
        &error,
        "skipped",
        "migration 2026-11-22-000000_early was not applied, but the later version 20261122000001 was",
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_reverted_by_hand_is_applied_again() {
    let directory = directory();
    let system = start::<Mended>(directory.path()).await;
    let ledger = system.get_or_create::<Mended>("a", ());
    ledger.open("Ann").await.unwrap();
    system.shutdown().await.unwrap();
    tamper(
        directory.path(),
        FILE,
        "DROP INDEX accounts_by_owner; DELETE FROM __diesel_schema_migrations WHERE version = '20261122000003'",
    );
    let system = start::<Mended>(directory.path()).await;
    assert_eq!(system.get::<Mended>("a").owners().await.unwrap(), ["Ann"]);
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 3);
}

#[tokio::test(start_paused = true)]
async fn rows_without_their_parents_undo_the_migrations() {
    let directory = old_ledger().await;
    let system = start::<Orphans>(directory.path()).await;
    let error = system.get::<Orphans>("a").owners().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("migration", "foreign_keys"));
    assert_eq!(
        error.to_string(),
        "ledger \"a\" did not start: migrate: after the migrations, 2 rows break a foreign key; \
         the first is in table children"
    );
    system.shutdown().await.unwrap();
    assert_eq!(number(directory.path(), FILE, VERSIONS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_rebuilt_keeps_its_children() {
    let directory = old_ledger().await;
    let system = start::<Rebuilt>(directory.path()).await;
    let ledger = system.get::<Rebuilt>("a");
    assert_eq!(ledger.owners().await.unwrap(), ["Ann", "Ann"]);
    system.shutdown().await.unwrap();
    assert_eq!(count(directory.path(), FILE, "entries"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_next_call_after_the_back_off_tries_again() {
    let directory = old_ledger().await;
    let system = start::<BrokenThird>(directory.path()).await;
    let ledger = system.get::<BrokenThird>("a");
    ledger.owners().await.unwrap_err();
    pass(Duration::from_millis(100)).await;
    // Someone mends the data meanwhile.
    tamper(directory.path(), FILE, "DELETE FROM accounts WHERE id = 2");
    assert_eq!(ledger.owners().await.unwrap(), ["Ann"]);
}
