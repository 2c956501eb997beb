//! Which actors share a connection, and what a connection keeps.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::lab::{Lab, run};
use crate::store::disk::{Seeded, SimDisk};
use crate::store::{Database, Durability, Migration, Migrations, Template};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Reads one number as a handler does, and ends the transaction.
fn number(database: &mut Database, expression: &str) -> i64 {
    database.db().enter("number", true, None);
    let row: Number = diesel::sql_query(format!("SELECT {expression} AS number"))
        .get_result(database.db())
        .unwrap();
    database.rollback().unwrap();
    row.number
}

fn write(database: &mut Database, sql: &str) {
    run(database, sql).unwrap();
    let _ticket = database.commit(Durability::Synced).unwrap();
}

const fn migration(version: &'static str, name: &'static str, up: &'static str) -> Migration {
    Migration::new(version, name, up, None, [1; 32])
}

fn template(list: &'static [Migration]) -> Arc<Template> {
    let migrations = Migrations::new("sharing", list, None, ("", &[]));
    Arc::new(Template::build(&migrations, false).unwrap().unwrap())
}

static VIRTUAL: [Migration; 1] = [migration(
    "1",
    "1_virtual",
    "CREATE VIRTUAL TABLE docs USING fts5(body);
     CREATE VIRTUAL TABLE boxes USING rtree(id, low, high);",
)];

#[test]
fn actors_with_virtual_tables_have_connections_of_their_own() {
    let seed = 11;
    eprintln!("seed {seed}");
    let mut random = Seeded::new(seed);
    let lab = Lab::open(&SimDisk::new(seed), &template(&VIRTUAL)).unwrap();
    let mut actors: Vec<(String, Option<Database>, i64)> = Vec::new();
    for key in ["a", "b", "c"] {
        let mut database = lab.begin(key).unwrap();
        let _ticket = database.commit(Durability::Synced).unwrap();
        actors.push((key.to_owned(), Some(database), 0));
    }
    for round in 0..150 {
        let index = random.index(actors.len());
        let (key, open, rows) = &mut actors[index];
        let database = open.get_or_insert_with(|| lab.wake(key).unwrap().unwrap());
        let sql = format!(
            "INSERT INTO docs VALUES ('common {key} word{round}');
             INSERT INTO boxes VALUES ({round}, {round}, {round} + 1)"
        );
        run(database, &sql).unwrap();
        if random.below(4) == 0 {
            database.rollback().unwrap();
        } else {
            let _ticket = database.commit(Durability::Synced).unwrap();
            *rows += 1;
        }
        let own = format!("(SELECT count(*) FROM docs WHERE docs MATCH 'common AND {key}')");
        assert_eq!(number(database, &own), *rows);
        let all = "(SELECT count(*) FROM docs WHERE docs MATCH 'common')";
        assert_eq!(
            number(database, all),
            *rows,
            "nothing of the others is found"
        );
        let boxes = "(SELECT count(*) FROM boxes WHERE low >= 0 AND high < 1000)";
        assert_eq!(number(database, boxes), *rows);
        if random.below(8) == 0 {
            open.take().unwrap().close().unwrap();
        }
    }
    for (key, open, _) in actors {
        let mut database = open.unwrap_or_else(|| lab.wake(&key).unwrap().unwrap());
        run(
            &mut database,
            "INSERT INTO docs (docs) VALUES ('integrity-check')",
        )
        .unwrap();
        database.rollback().unwrap();
        assert_eq!(
            number(
                &mut database,
                "(SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok')"
            ),
            1
        );
        database.close().unwrap();
    }
    assert_eq!(
        lab.prepared(),
        [[0; 0]; 0],
        "none of their connections served another"
    );
}

static TIDY: [Migration; 2] = [
    migration(
        "1",
        "1_first",
        "CREATE TABLE first (id INTEGER PRIMARY KEY, words TEXT);",
    ),
    migration(
        "2",
        "2_second",
        "CREATE TABLE second (id INTEGER PRIMARY KEY); CREATE INDEX by_words ON first (words);",
    ),
];

static LOOSE: [Migration; 2] = [
    migration("1", "1_first", "CREATE TABLE first (id TEXT, words TEXT);"),
    migration(
        "2",
        "2_second",
        "CREATE TABLE second (id INTEGER PRIMARY KEY); CREATE INDEX by_words ON first (words);",
    ),
];

/// Fills an actor of the first version, brings it to the second beside a new one, and lets both work in turn. Returns how many
/// kinds of connections they needed.
fn old_and_new(list: &'static [Migration]) -> usize {
    let disk = SimDisk::new(5);
    let lab = Lab::open(&disk, &template(&list[..1])).unwrap();
    let mut old = lab.begin("old").unwrap();
    for id in 0..40 {
        let sql = format!("INSERT INTO first VALUES ({id}, '{}')", "w".repeat(100));
        run(&mut old, &sql).unwrap();
    }
    let _ticket = old.commit(Durability::Synced).unwrap();
    old.close().unwrap();
    lab.volume.close().unwrap();

    let lab = Lab::open(&disk, &template(list)).unwrap();
    let mut new = lab.begin("new").unwrap();
    let _ticket = new.commit(Durability::Synced).unwrap();
    let mut old = lab.migrate("old", &list[1..]);
    for round in 1..=20 {
        for (database, before) in [(&mut old, 40), (&mut new, 0)] {
            write(
                database,
                &format!("INSERT INTO first VALUES ({}, 'x')", 100 + round),
            );
            write(database, &format!("INSERT INTO second VALUES ({round})"));
            let first = number(database, "(SELECT count(*) FROM first)");
            let second = number(database, "(SELECT count(*) FROM second)");
            let found = number(database, "(SELECT count(*) FROM first WHERE words = 'x')");
            assert_eq!((first, second, found), (before + round, round, round));
        }
    }
    for database in [&mut old, &mut new] {
        let ok = "(SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok')";
        assert_eq!(number(database, ok), 1);
    }
    // One more read the mark of the old actor before it was migrated.
    let kinds = lab.prepared().len() - 1;
    old.close().unwrap();
    new.close().unwrap();
    lab.volume.close().unwrap();
    kinds
}

#[test]
fn a_migrated_actor_shares_the_connections_of_new_ones() {
    assert_eq!(old_and_new(&TIDY), 1);
}

#[test]
fn a_migrated_actor_whose_row_ids_must_stay_works_on_connections_of_its_own() {
    assert_eq!(old_and_new(&LOOSE), 2);
}

#[test]
fn statements_are_kept_and_their_memory_is_bounded() {
    let lab = Lab::open(&SimDisk::new(6), &super::lab::template()).unwrap();
    let mut database = lab.begin("a").unwrap();
    let _ticket = database.commit(Durability::Synced).unwrap();
    let update = |database: &mut Database, id: i64| {
        database.db().enter("update", false, None);
        diesel::sql_query("UPDATE numbers SET value = value + 1 WHERE id = ?")
            .bind::<BigInt, _>(id)
            .execute(database.db())
            .unwrap();
        let _ticket = database.commit(Durability::Synced).unwrap();
    };
    let prepared = || lab.prepared()[0][0];
    update(&mut database, 1);
    let after_one = prepared();
    for id in 2..50 {
        update(&mut database, id);
    }
    assert_eq!(prepared(), after_one, "it was prepared once");
    let mut most = 0;
    for text in 0..20_000 {
        assert_eq!(number(&mut database, &format!("{text}")), text);
        most = most.max(prepared());
    }
    assert!(
        most > 1_000 && most < 10_000,
        "forgotten now and then: {most}"
    );
}

#[derive(QueryableByName)]
struct Body {
    #[diesel(sql_type = diesel::sql_types::Text)]
    body: String,
}

#[test]
fn a_cursor_over_a_virtual_table_that_is_forgotten_leaves_it_whole() {
    let lab = Lab::open(&SimDisk::new(12), &template(&VIRTUAL)).unwrap();
    let mut database = lab.begin("a").unwrap();
    let _ticket = database.commit(Durability::Synced).unwrap();
    for round in 0..20 {
        for part in 0..5 {
            database.db().enter("write", false, None);
            let sql = format!("INSERT INTO docs (body) VALUES ('word{part} round{round}')");
            database.db().batch_execute(&sql).unwrap();
            database.db().keep_call().unwrap();
            database.db().enter("read", false, None);
            let query =
                diesel::sql_query("SELECT body FROM docs WHERE docs MATCH 'word1 OR word0'");
            let mut rows = query.load_iter::<Body, _>(database.db()).unwrap();
            let first = rows.next().unwrap().unwrap();
            assert_eq!(first.body, "word0 round0");
            std::mem::forget(rows);
            database.db().keep_call().unwrap();
        }
        let _ticket = database.commit(Durability::Synced).unwrap();
    }
    database.db().enter("check", false, None);
    let sql = "INSERT INTO docs (docs) VALUES ('integrity-check')";
    database.db().batch_execute(sql).unwrap();
    database.db().keep_call().unwrap();
    let expression = "(SELECT count(*) FROM docs WHERE docs MATCH 'word1')";
    assert_eq!(number(&mut database, expression), 20);
    database.close().unwrap();
    lab.volume.close().unwrap();
}
