//! The wrapper does what the migrations rely on.

use super::*;

#[test]
fn the_clock_stands_still() {
    let connection = Connection::open(86_400_000).unwrap();
    let rows = connection
        .rows("SELECT CURRENT_TIMESTAMP, julianday('now')", &[])
        .unwrap();
    assert_eq!(
        rows,
        [[
            Some("1970-01-02 00:00:00".to_owned()),
            Some("2440588.5".to_owned())
        ]]
    );
}

#[test]
fn a_copy_holds_what_the_original_holds() {
    let original = Connection::open(0).unwrap();
    original
        .execute("CREATE TABLE t (a); INSERT INTO t VALUES ('x')")
        .unwrap();
    let copy = Connection::from_image(&original.serialize().unwrap(), 0).unwrap();
    copy.execute("INSERT INTO t VALUES ('y')").unwrap();
    assert_eq!(
        copy.rows("SELECT count(*) FROM t", &[]).unwrap(),
        [[Some("2".to_owned())]]
    );
    assert_eq!(
        original.rows("SELECT count(*) FROM t", &[]).unwrap(),
        [[Some("1".to_owned())]]
    );
}

#[test]
fn an_empty_database_can_be_copied() {
    let image = Connection::open(0).unwrap().serialize().unwrap();
    for image in [image.as_slice(), &[]] {
        let copy = Connection::from_image(image, 0).unwrap();
        copy.execute("CREATE TABLE t (a)").unwrap();
        assert!(copy.is_autocommit());
    }
}

#[test]
fn an_endless_statement_is_stopped() {
    let connection = Connection::open(0).unwrap();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    assert_eq!(
        connection.execute(endless).unwrap_err().message,
        "the statement takes too long"
    );
}

#[test]
fn an_error_knows_its_place() {
    let connection = Connection::open(0).unwrap();
    let error = connection.prepare("SELECT 1,\n nope").err().unwrap();
    assert_eq!(
        (error.message.as_str(), error.offset),
        ("no such column: nope", Some(11))
    );
}
