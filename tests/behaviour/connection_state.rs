//! Whatever SQL can ask of a connection is the call's own, and a call finds nothing of what a call
//! before it left.

use std::time::Duration;

use actor_core::prelude::*;
use diesel::connection::{
    AnsiTransactionManager, Instrumentation, InstrumentationEvent, SimpleConnection as _,
    TransactionDepthChange, TransactionManager, TransactionManagerStatus,
};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::support::{directory, start};

actor_core::schema! { mod schema = "migrations/shelf"; }
use schema::{books, shelves};

/// What SQL says of the connection, and what Diesel counts for a `SELECT`.
type Counts = (i64, i64, i64, usize);

/// Nothing has happened.
const NOTHING: Counts = (0, 0, 0, 0);

#[derive(QueryableByName)]
struct Three {
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

fn counts(db: &mut actor_core::Db) -> Result<Counts> {
    let three: Three = diesel::sql_query(
        "SELECT last_insert_rowid() AS last, changes() AS changed, total_changes() AS total",
    )
    .get_result(db)?;
    let selected = diesel::sql_query("SELECT 1").execute(db)?;
    Ok((three.last, three.changed, three.total, selected))
}

fn put(db: &mut actor_core::Db, id: i64) -> QueryResult<usize> {
    diesel::sql_query("INSERT INTO shelves (id, room) VALUES (?, 'room ' || ?)")
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(id)
        .execute(db)
}

/// Hears of transactions, and panics when it is dropped.
struct Loud;

impl Instrumentation for Loud {
    fn on_connection_event(&mut self, _: InstrumentationEvent<'_>) {}
}

impl Drop for Loud {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it is dropped");
    }
}

/// Runs statements, and leaves behind what it is told to.
#[derive(Actor)]
#[actor(name = "shelf", sleep_after = "never")]
struct Shelf {}

#[actor]
impl Shelf {
    #[migrate("migrations/shelf")]
    fn migrate() {}

    #[queue]
    fn letters(text: String) {}

    #[action]
    fn counts(&self, cx: &mut Context<'_, Self>) -> Result<Counts> {
        counts(cx.db())
    }

    /// Writes two rows, and returns what is counted between and after them.
    #[action]
    fn two(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<(Counts, Counts)> {
        put(cx.db(), id)?;
        let one = counts(cx.db())?;
        put(cx.db(), id + 1)?;
        Ok((one, counts(cx.db())?))
    }

    /// Has the framework write rows between its own.
    #[action]
    fn with_framework(&mut self, cx: &mut Context<'_, Self>) -> Result<Vec<Counts>> {
        let handle = cx.handle();
        let other = cx.system().get::<Self>("other");
        cx.after(Duration::from_hours(1), handle.nothing())?;
        let mut seen = vec![counts(cx.db())?];
        diesel::sql_query("INSERT INTO shelves (id, room) VALUES (500, 'a'), (501, 'b')")
            .execute(cx.db())?;
        let timer = cx.after(Duration::from_hours(1), handle.nothing())?;
        seen.push(counts(cx.db())?);
        cx.send(other.nothing())?;
        seen.push(counts(cx.db())?);
        cx.push(handle.letters(), "x".to_owned())?;
        seen.push(counts(cx.db())?);
        diesel::sql_query("UPDATE shelves SET room = 'c' WHERE id = 7").execute(cx.db())?;
        seen.push(counts(cx.db())?);
        cx.cancel_timer(timer)?;
        seen.push(counts(cx.db())?);
        Ok(seen)
    }

    #[action]
    fn nothing(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    /// Counts before and after it waits.
    #[action]
    async fn waiting(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<Counts> {
        put(cx.db(), id)?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        counts(cx.db())
    }

    /// Writes a row in a transaction of Diesel's, in another one.
    #[action]
    fn nested(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<usize> {
        cx.db().transaction(|db| {
            put(db, id)?;
            let undone = db.transaction(|db| {
                put(db, id + 1_000)?;
                Err::<(), _>(diesel::result::Error::RollbackTransaction)
            });
            assert_eq!(undone, Err(diesel::result::Error::RollbackTransaction));
            Ok(db.transaction(|db| put(db, id + 1))?)
        })
    }

    /// Writes a row, and leaves something that is not the next one's business.
    #[action]
    fn leave(&mut self, cx: &mut Context<'_, Self>, what: &'static str, id: i64) -> Result<()> {
        put(cx.db(), id)?;
        let db = cx.db();
        match what {
            "rollback" => {
                AnsiTransactionManager::rollback_transaction(db).unwrap_err();
            }
            "commit" => {
                AnsiTransactionManager::commit_transaction(db).unwrap_err();
            }
            "begin" => AnsiTransactionManager::begin_transaction(db)?,
            "begin twice" => {
                AnsiTransactionManager::begin_transaction(db)?;
                AnsiTransactionManager::begin_transaction(db)?;
                AnsiTransactionManager::commit_transaction(db)?;
            }
            "test" => {
                db.begin_test_transaction().unwrap_err();
            }
            "depth" => {
                // As if it had a transaction of its own, whose savepoint is another call's.
                let status = AnsiTransactionManager::transaction_manager_status_mut(db);
                if let TransactionManagerStatus::Valid(valid) = status {
                    valid.change_transaction_depth(TransactionDepthChange::IncreaseDepth)?;
                }
                AnsiTransactionManager::rollback_transaction(db).unwrap_err();
            }
            "state" => *db.transaction_state() = AnsiTransactionManager::default(),
            "cursor" => {
                let query = diesel::insert_into(shelves::table)
                    .values((shelves::id.eq(9_000), shelves::room.eq("cursor")))
                    .returning(shelves::id);
                let mut rows = query.load_iter::<i64, _>(db)?;
                assert_eq!(rows.next().unwrap()?, 9_000);
                std::mem::forget(rows);
            }
            "reading" => {
                let mut rows = shelves::table.select(shelves::id).load_iter::<i64, _>(db)?;
                rows.next().unwrap()?;
                std::mem::forget(rows);
            }
            "instrumentation" => db.set_instrumentation(Loud),
            "deferral" => {
                diesel::sql_query("PRAGMA defer_foreign_keys = ON").execute(db)?;
            }
            other => panic!("{other}"),
        }
        Ok(())
    }

    /// Is dropped with a transaction of Diesel's open.
    #[action(timeout = "1s")]
    async fn dropped(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<()> {
        AnsiTransactionManager::begin_transaction(cx.db())?;
        put(cx.db(), id)?;
        tokio::time::sleep(Duration::from_mins(1)).await;
        Ok(())
    }

    /// Panics in a transaction of Diesel's.
    #[action]
    fn panics(&mut self, cx: &mut Context<'_, Self>, id: i64) -> Result<()> {
        cx.db().transaction(|db| {
            put(db, id)?;
            panic!("it is asked to")
        })
    }

    /// Runs any SQL.
    #[action]
    fn raw(&mut self, cx: &mut Context<'_, Self>, id: i64, sql: String) -> Result<()> {
        put(cx.db(), id)?;
        Ok(cx.db().batch_execute(&sql)?)
    }

    /// The same, as a statement that Diesel may keep prepared.
    #[action]
    fn kept(&mut self, cx: &mut Context<'_, Self>, sql: String) -> Result<usize> {
        Ok(diesel::sql_query(sql).execute(cx.db())?)
    }

    /// Writes a row that refers to none.
    #[action]
    fn orphan(&mut self, cx: &mut Context<'_, Self>) -> Result<bool> {
        let written = diesel::insert_into(books::table)
            .values((books::id.eq(1), books::shelf.eq(-1)))
            .execute(cx.db());
        // SQLite refuses it at once.
        Ok(written.is_err())
    }

    #[action]
    fn ids(&self, cx: &mut Context<'_, Self>) -> Result<Vec<i64>> {
        Ok(shelves::table
            .order(shelves::id)
            .select(shelves::id)
            .load(cx.db())?)
    }
}

async fn shelf(name: &str) -> (tempfile::TempDir, System, ShelfHandle) {
    let directory = directory();
    let system = start::<Shelf>(directory.path()).await;
    let shelf = system.get_or_create::<Shelf>(name, ());
    shelf.nothing().await.unwrap();
    (directory, system, shelf)
}

#[tokio::test(start_paused = true)]
async fn what_sql_counts_begins_at_zero_with_each_call() {
    let (_directory, system, one) = shelf("one").await;
    let two = system.get_or_create::<Shelf>("two", ());
    let seen = ((7, 1, 1, 1), (8, 1, 2, 1));
    assert_eq!(one.two(7).await.unwrap(), seen);
    assert_eq!(one.counts().await.unwrap(), NOTHING);
    assert_eq!(two.counts().await.unwrap(), NOTHING);
    assert_eq!(two.two(7).await.unwrap(), seen);
    // In one batch as well, and after a failure.
    let (a, failed, b, c) = tokio::join!(
        async { one.two(20).await },
        async { one.two(20).await },
        async { one.counts().await },
        async { one.two(30).await },
    );
    assert_eq!(a.unwrap(), ((20, 1, 1, 1), (21, 1, 2, 1)));
    failed.unwrap_err();
    assert_eq!(b.unwrap(), NOTHING);
    assert_eq!(c.unwrap(), ((30, 1, 1, 1), (31, 1, 2, 1)));
    assert_eq!(one.waiting(40).await.unwrap(), (40, 1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_frameworks_own_rows_are_not_counted() {
    let (_directory, system, one) = shelf("one").await;
    let other = system.get_or_create::<Shelf>("other", ());
    other.nothing().await.unwrap();
    assert_eq!(
        one.with_framework().await.unwrap(),
        [
            NOTHING,
            (501, 2, 2, 2),
            (501, 2, 2, 2),
            (501, 2, 2, 2),
            (501, 0, 2, 0),
            (501, 0, 2, 0),
        ]
    );
    assert_eq!(one.counts().await.unwrap(), NOTHING);
}

/// Runs a call that leaves something between others of its batch, and returns how it ended.
async fn between(shelf: &ShelfHandle, what: &'static str) -> Result<(), String> {
    let (first, left, second, third) = tokio::join!(
        async { shelf.nested(10).await },
        async { shelf.leave(what, 20).await },
        async { shelf.nested(30).await },
        async { shelf.leave("instrumentation", 40).await },
    );
    assert_eq!(first.unwrap(), 1, "{what}");
    assert_eq!(second.unwrap(), 1, "{what}");
    third.unwrap();
    // It is the first of a batch, too, and alone.
    let (again, third) = tokio::join!(async { shelf.leave(what, 50).await }, async {
        shelf.nested(60).await
    },);
    assert_eq!(third.unwrap(), 1, "{what}");
    assert_eq!(again.is_ok(), left.is_ok(), "{what}");
    let alone = shelf.leave(what, 70).await;
    assert_eq!(alone.is_ok(), left.is_ok(), "{what}");
    assert_eq!(shelf.nested(80).await.unwrap(), 1, "{what}");
    left.map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_breaks_diesels_transactions_breaks_no_other() {
    for what in ["rollback", "commit", "test", "depth", "state", "reading"] {
        let (_directory, _system, shelf) = shelf("one").await;
        assert_eq!(between(&shelf, what).await, Ok(()), "{what}");
        let ids = [10, 11, 20, 30, 31, 40, 50, 60, 61, 70, 80, 81];
        assert_eq!(shelf.ids().await.unwrap(), ids, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_leaves_a_transaction_open_fails_alone() {
    for what in ["begin", "begin twice"] {
        let (_directory, _system, shelf) = shelf("one").await;
        assert_eq!(
            between(&shelf, what).await.unwrap_err(),
            "`leave` of shelf \"one\" failed: a transaction of Diesel's was begun and not ended",
        );
        let ids = [10, 11, 30, 31, 40, 60, 61, 80, 81];
        assert_eq!(shelf.ids().await.unwrap(), ids, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_or_panics_in_a_transaction_leaves_nothing() {
    let (_directory, _system, shelf) = shelf("one").await;
    let (first, dropped, second, panicked, third) = tokio::join!(
        async { shelf.nested(10).await },
        async { shelf.dropped(20).await },
        async { shelf.nested(30).await },
        async { shelf.panics(40).await },
        async { shelf.nested(50).await },
    );
    assert_eq!(first.unwrap(), 1);
    assert_eq!(dropped.unwrap_err().code(), "action_timed_out");
    assert_eq!(second.unwrap(), 1);
    assert_eq!(panicked.unwrap_err().code(), "action_panicked");
    assert_eq!(third.unwrap(), 1);
    assert_eq!(shelf.ids().await.unwrap(), [10, 11, 30, 31, 50, 51]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_forgotten_takes_nothing_from_other_calls() {
    let (_directory, _system, shelf) = shelf("one").await;
    for round in 0..3 {
        let base = round * 100;
        let (first, left, second) = tokio::join!(
            async { shelf.nested(base + 10).await },
            async { shelf.leave("cursor", base + 20).await },
            async { shelf.nested(base + 30).await },
        );
        first.unwrap();
        // Its row is there from the first time on.
        assert_eq!(left.is_ok(), round == 0);
        second.unwrap();
    }
    let ids = [
        10, 11, 20, 30, 31, 110, 111, 130, 131, 210, 211, 230, 231, 9_000,
    ];
    assert_eq!(shelf.ids().await.unwrap(), ids);
}

#[tokio::test(start_paused = true)]
async fn a_handler_makes_no_savepoint_by_hand() {
    let (_directory, _system, shelf) = shelf("one").await;
    let statements = [
        "SAVEPOINT diesel_savepoint_7",
        "SAVEPOINT diesel_savepoint_1",
        "savepoint \"DIESEL_SAVEPOINT_1\"",
        "RELEASE diesel_savepoint_1",
        "RELEASE SAVEPOINT diesel_savepoint_1",
        "ROLLBACK TO diesel_savepoint_1",
        "ROLLBACK TO SAVEPOINT diesel_savepoint_1",
        "ROLLBACK TRANSACTION TO [_actor_call]",
        "RELEASE `_ACTOR_CALL`",
        "/* */ SAVEPOINT x",
    ];
    for sql in statements {
        let (first, raw, second) = tokio::join!(
            async { shelf.nested(10).await },
            async { shelf.raw(20, sql.to_owned()).await },
            async { shelf.leave("begin", 30).await },
        );
        assert_eq!(first.is_ok(), sql == statements[0], "{sql}");
        let error = raw.unwrap_err().to_string();
        assert!(error.contains("is not for handlers"), "{sql}: {error}");
        second.unwrap_err();
        let error = shelf.kept(sql.to_owned()).await.unwrap_err().to_string();
        assert!(error.contains("is not for handlers"), "{sql}: {error}");
    }
    assert_eq!(shelf.ids().await.unwrap(), [10, 11]);
}

#[tokio::test(start_paused = true)]
async fn foreign_keys_are_put_off_for_one_call_only() {
    let (_directory, _system, shelf) = shelf("one").await;
    for round in 0..3 {
        let (deferred, orphan, other) = tokio::join!(
            async { shelf.leave("deferral", round * 10).await },
            async { shelf.orphan().await },
            async { shelf.nested(round * 10 + 1).await },
        );
        deferred.unwrap();
        assert!(orphan.unwrap(), "it is refused at once in round {round}");
        other.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_tells_of_a_connection_is_refused() {
    let (_directory, _system, shelf) = shelf("one").await;
    for sql in ["PRAGMA data_version", "SELECT * FROM pragma_data_version"] {
        let error = shelf.kept(sql.to_owned()).await.unwrap_err().to_string();
        assert!(error.contains("an actor does not have"), "{sql}: {error}");
    }
}
