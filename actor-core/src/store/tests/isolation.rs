//! Actors that share connections see nothing of each other, and a damaged file is said to be damaged and left as it is.

use std::fs;
use std::sync::Arc;

use diesel::connection::{
    AnsiTransactionManager, SimpleConnection as _, TransactionDepthChange, TransactionManager as _,
    TransactionManagerStatus,
};
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::BigInt;

use super::lab::{Lab, Rows, commit, put, rows, run, template};
use crate::store::disk::{RealDisk, SimDisk};
use crate::store::{Database, Template};

diesel::table! {
    numbers (id) {
        id -> BigInt,
        value -> BigInt,
    }
}

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Three {
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

fn three(database: &mut Database) -> Three {
    database.db().enter("three", true, None);
    let found = diesel::sql_query(
        "SELECT last_insert_rowid() AS last, changes() AS changed, total_changes() AS total",
    )
    .get_result(database.db())
    .unwrap();
    database.rollback().unwrap();
    found
}

fn pair(template: &Arc<Template>) -> (Lab, Database, Database) {
    let lab = Lab::open(&SimDisk::new(1), template).unwrap();
    let mut first = lab.begin("first").unwrap();
    commit(&lab, &mut first).unwrap();
    let mut second = lab.begin("second").unwrap();
    commit(&lab, &mut second).unwrap();
    (lab, first, second)
}

#[test]
fn what_a_connection_counts_is_not_seen_by_the_next_actor() {
    let (lab, mut first, mut second) = pair(&template());
    for id in [7, 8, 9] {
        put(&mut first, id, id, 10).unwrap();
    }
    commit(&lab, &mut first).unwrap();
    let nothing = Three {
        last: 0,
        changed: 0,
        total: 0,
    };
    assert_eq!(three(&mut second), nothing);
    assert_eq!(rows(&mut second).unwrap(), Rows::new());
}

#[test]
fn a_cursor_that_is_leaked_costs_a_connection_and_nothing_else() {
    let (lab, mut first, mut second) = pair(&template());
    for id in 1..50 {
        put(&mut first, id, id, 10).unwrap();
    }
    commit(&lab, &mut first).unwrap();
    first.db().enter("leak", true, None);
    let query = numbers::table.select(numbers::id);
    let mut cursor = query.load_iter::<i64, _>(first.db()).unwrap();
    assert_eq!(cursor.next().unwrap().unwrap(), 1);
    std::mem::forget(cursor);
    let _ended = first.rollback();
    put(&mut second, 1, 2, 10).unwrap();
    commit(&lab, &mut second).unwrap();
    assert_eq!(rows(&mut second).unwrap(), Rows::from([(1, 2)]));
    put(&mut first, 1, 5, 10).unwrap();
    commit(&lab, &mut first).unwrap();
    assert_eq!(rows(&mut first).unwrap()[&1], 5);
    for database in [first, second] {
        database.close().unwrap();
    }
    lab.volume.close().unwrap();
}

#[test]
fn a_transaction_of_diesels_that_is_left_open_is_not_committed() {
    let (lab, mut first, mut second) = pair(&template());
    first.db().enter("left", false, None);
    AnsiTransactionManager::begin_transaction(first.db()).unwrap();
    let refused = commit(&lab, &mut first).unwrap_err().to_string();
    first.rollback().unwrap();
    assert!(refused.contains("numbers/k_first.db"), "{refused}");
    run(&mut second, "ROLLBACK TO diesel_savepoint_1").unwrap_err();
    run(&mut second, "SAVEPOINT diesel_savepoint_1").unwrap_err();
    second.rollback().unwrap();
    put(&mut first, 1, 1, 0).unwrap();
    commit(&lab, &mut first).unwrap();
    assert_eq!(rows(&mut first).unwrap(), Rows::from([(1, 1)]));
    assert_eq!(rows(&mut second).unwrap(), Rows::new());
}

/// Reads the counters in the running call.
fn seen(database: &mut Database) -> (i64, i64, i64) {
    let three: Three = diesel::sql_query(
        "SELECT last_insert_rowid() AS last, changes() AS changed, total_changes() AS total",
    )
    .get_result(database.db())
    .unwrap();
    (three.last, three.changed, three.total)
}

#[test]
fn changes_of_the_frameworks_are_told_from_those_of_the_call_whatever_they_count() {
    // How many rows the call, the framework and the call again change, one after the other.
    for (own, foreign, again) in (0..27).map(|case| (case % 3, case / 3 % 3, case / 9)) {
        let case = format!("{own}, {foreign}, {again}");
        let (_lab, mut first, _second) = pair(&template());
        for id in 1..=2 {
            put(&mut first, id, 0, 0).unwrap();
        }
        first.db().keep_call().unwrap();
        first.db().enter("count", false, None);
        let statement =
            |rows: i64| format!("UPDATE numbers SET value = value + 1 WHERE id <= {rows}");
        first.db().batch_execute(&statement(own)).unwrap();
        assert_eq!(seen(&mut first), (0, own, own), "{case}");
        for _ in 0..2 {
            let work = statement(foreign);
            let worked = first.db().for_call(|inner| inner.batch_execute(&work));
            worked.unwrap();
            assert_eq!(seen(&mut first), (0, own, own), "{case}");
        }
        first.db().batch_execute(&statement(again)).unwrap();
        assert_eq!(seen(&mut first), (0, again, own + again), "{case}");
        let insert = "INSERT INTO numbers (id, value, filler) VALUES (900, 1, '')";
        first
            .db()
            .internal(|inner| inner.batch_execute(insert))
            .unwrap();
        assert_eq!(seen(&mut first), (0, again, own + again), "{case}");
    }
}

#[test]
fn a_hook_of_an_action_counts_for_itself_and_finds_no_transaction_of_diesels() {
    let (_lab, mut first, _second) = pair(&template());
    first.db().enter("action", false, None);
    let insert = |id: i64| format!("INSERT INTO numbers (id, value, filler) VALUES ({id}, 1, '')");
    first.db().batch_execute(&insert(3)).unwrap();
    first.db().go_on("hook");
    assert_eq!(seen(&mut first), (0, 0, 0));
    let written = first.db().transaction(|db| db.batch_execute(&insert(4)));
    written.unwrap();
    first.db().keep_call().unwrap();
    first.db().enter("action", false, None);
    AnsiTransactionManager::begin_transaction(first.db()).unwrap();
    first.db().go_on("hook");
    let written = first.db().transaction(|db| db.batch_execute(&insert(5)));
    written.unwrap();
    assert_eq!(
        first.db().keep_call().unwrap_err().to_string(),
        "a transaction of Diesel's was begun and not ended"
    );
    first.db().undo_call().unwrap();
    first.db().enter("next", true, None);
    let count = numbers::table.count().get_result::<i64>(first.db());
    assert_eq!(count, Ok(2));
    first.db().keep_call().unwrap();
}

#[test]
fn a_depth_that_is_made_up_reaches_no_savepoint_of_another_call() {
    let (_lab, mut first, _second) = pair(&template());
    let insert = |id: i64| format!("INSERT INTO numbers (id, value, filler) VALUES ({id}, 1, '')");
    first.db().enter("first", false, None);
    // SQLite keeps a savepoint that it rolled back to.
    let undone = first
        .db()
        .transaction(|_| Err::<(), _>(Error::RollbackTransaction));
    undone.unwrap_err();
    first.db().batch_execute(&insert(1)).unwrap();
    first.db().keep_call().unwrap();
    first.db().enter("second", false, None);
    first.db().batch_execute(&insert(2)).unwrap();
    let status = AnsiTransactionManager::transaction_manager_status_mut(first.db());
    let TransactionManagerStatus::Valid(valid) = status else {
        panic!("it is valid");
    };
    let deeper = valid.change_transaction_depth(TransactionDepthChange::IncreaseDepth);
    deeper.unwrap();
    AnsiTransactionManager::rollback_transaction(first.db()).unwrap_err();
    first.db().keep_call().unwrap();
    first.db().enter("third", true, None);
    let count = numbers::table.count().get_result::<i64>(first.db());
    assert_eq!(count, Ok(2));
    first.db().keep_call().unwrap();
}

#[test]
fn temporary_objects_and_settings_are_refused() {
    let (_lab, mut first, mut second) = pair(&template());
    for sql in [
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA cache_size = 1",
        "PRAGMA case_sensitive_like = ON",
        "PRAGMA recursive_triggers = ON",
        "PRAGMA temp_store = 1",
        "ATTACH ':memory:' AS other",
    ] {
        run(&mut first, sql).expect_err(sql);
        first.rollback().unwrap();
        assert_eq!(rows(&mut second).unwrap(), Rows::new(), "{sql}");
    }
}

#[test]
fn a_damaged_first_page_is_reported_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("data");
    fs::create_dir_all(&root).unwrap();
    let template = template();
    let open = || {
        let disk = Arc::new(RealDisk::new(&root).unwrap());
        Lab::on(disk, &root, &template).unwrap()
    };
    let lab = open();
    let mut database = lab.begin("a").unwrap();
    put(&mut database, 1, 1, 10).unwrap();
    commit(&lab, &mut database).unwrap();
    database.close().unwrap();
    lab.volume.close().unwrap();
    let path = root.join("numbers/k_a.db");
    let whole = fs::read(&path).unwrap();
    let lab = open();
    let (mut refused, mut others) = (0, Vec::new());
    for at in (0..100).chain((100..1_024).step_by(7)) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        fs::write(&path, &damaged).unwrap();
        match lab.wake("a") {
            // Not every byte counts; what is read then is what was written.
            Ok(found) => drop(found.unwrap_or_else(|| panic!("byte {at}: the actor is gone"))),
            Err(error) => {
                refused += 1;
                let code = error.code();
                if !["corrupt", "foreign"].contains(&code) {
                    others.push(format!("byte {at}: {code}: {error}"));
                }
            }
        }
        // SQLite itself brings a file into another mode, before anybody knows whose it is.
        if !(18..20).contains(&at) {
            assert!(
                fs::read(&path).unwrap() == damaged,
                "byte {at}: the file has changed"
            );
        }
    }
    assert_eq!(others, [""; 0]);
    assert!(refused > 20, "{refused}");
    fs::write(&path, &whole).unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), Rows::from([(1, 1)]));
}
