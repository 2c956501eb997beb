//! Our tables against those of the real `diesel print-schema`, on the same databases.
//!
//! It needs the tool, so it is ignored unless asked for:
//!
//! ```text
//! cargo install diesel_cli --version ~2.3 --no-default-features --features sqlite-bundled --locked --root target/tools
//! cargo test -p actor-macros --lib print_schema -- --ignored
//! ```
//!
//! `ACTOR_DIESEL_CLI` names another place of the tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};
use syn::Item;

use super::super::image::PAGE_SIZE_DEFAULT;
use super::super::schema::{SchemaInput, expand_schema};
use super::{load_package, package};

/// Databases without what differs on purpose: views, full-text tables, and tables without a primary key.
const DATABASES: &[&str] = &[
    "CREATE TABLE a (id INTEGER PRIMARY KEY);",
    "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL, b TEXT NOT NULL, c);",
    "CREATE TABLE a (id BIGINT PRIMARY KEY NOT NULL, a1 BOOL, a2 BOOLEAN, a3 TINYINT, a4 SMALLINT, a5 INT2, a6 INT, a7 MEDIUMINT,
       a8 BIGINT, a9 INT8, b1 UNSIGNED BIG INT, b2 VARCHAR(9), b3 CLOB, b4 NVARCHAR, b5 BLOB, b6 VARBINARY(3), b7 REAL, b8 FLOAT,
       b9 DOUBLE PRECISION, c1 NUMERIC, c2 DECIMAL(10, 5), c3 DATE, c4 TIME, c5 DATETIME, c6 TIMESTAMP, c7 POINT, c8 LONGTEXT);",
    "CREATE TABLE a (x INT NOT NULL, y TEXT NOT NULL, z, PRIMARY KEY (y, x)) WITHOUT ROWID;",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b REAL NOT NULL, c TEXT, d BLOB) STRICT;",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT, c INT GENERATED ALWAYS AS (b + 1) VIRTUAL, d TEXT AS (b || 'x') STORED, e AS (b));",
    "CREATE TABLE \"table\" (\"type\" INTEGER PRIMARY KEY, \"fn\" TEXT, \"with space\" TEXT, \"2nd\" TEXT, größe TEXT, is_nullable BOOL);
     CREATE TABLE \"a--b\" (\"a--b\" INTEGER PRIMARY KEY, columns TEXT, __x TEXT, y_ TEXT);
     CREATE TABLE posts (posts INTEGER PRIMARY KEY, \"quote \"\" d\" TEXT);",
    "CREATE TABLE a (id INTEGER PRIMARY KEY);
     CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INT NOT NULL REFERENCES a (id));
     CREATE TABLE c (id INTEGER PRIMARY KEY, a INT REFERENCES a, b INT REFERENCES b (id), \"type\" INT);",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, parent INT REFERENCES a (id), n BIGINT UNIQUE);
     CREATE TABLE b (id INTEGER PRIMARY KEY, x INT REFERENCES a (id), y INT REFERENCES a (id));
     CREATE TABLE c (id INTEGER PRIMARY KEY, n BIGINT REFERENCES a (n));",
    "CREATE TABLE a (x BIGINT, y BIGINT, PRIMARY KEY (x, y));
     CREATE TABLE b (id INTEGER PRIMARY KEY, x BIGINT, y BIGINT, FOREIGN KEY (x, y) REFERENCES a (x, y));",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b (id));
     CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id));",
    "CREATE TABLE parent (\"type\" INTEGER PRIMARY KEY);
     CREATE TABLE child (id INTEGER PRIMARY KEY, \"match\" BIGINT REFERENCES parent (\"type\"));
     CREATE TABLE __hidden (id INTEGER PRIMARY KEY, p INT REFERENCES parent);",
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); ALTER TABLE a ADD COLUMN c BOOLEAN NOT NULL DEFAULT 0;
     ALTER TABLE a DROP COLUMN b; ALTER TABLE a RENAME TO z; CREATE TABLE \"Upper\" (\"ID\" INTEGER PRIMARY KEY);",
    "CREATE TABLE only_text (k TEXT PRIMARY KEY NOT NULL); CREATE INDEX i ON only_text (lower(k)) WHERE k <> '';
     CREATE TRIGGER t AFTER INSERT ON only_text BEGIN SELECT 1; END; CREATE VIRTUAL TABLE r USING rtree (id, x0, x1);
     DROP TABLE r;",
];

/// Where the tool is.
fn tool() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/diesel");
    std::env::var_os("ACTOR_DIESEL_CLI").map_or_else(default, PathBuf::from)
}

/// Returns what each macro of `items` is given, without documentation and without commas at the end.
fn macros(items: &[Item]) -> Vec<String> {
    let text = |item: &Item| match item {
        Item::Macro(item) => {
            let name = item
                .mac
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string());
            let tokens = normalize(item.mac.tokens.clone()).to_string();
            // Blanks are up to who wrote the tokens.
            let tokens: String = tokens.split_whitespace().collect();
            Some(format!("{}! {tokens}", name.unwrap_or_default()))
        }
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Takes documentation and commas at the end out of `tokens`.
fn normalize(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let is_doc = group
                    .stream()
                    .into_iter()
                    .next()
                    .is_some_and(|first| first.to_string() == "doc");
                if is_doc {
                    kept.pop();
                } else {
                    kept.push(
                        proc_macro2::Group::new(group.delimiter(), normalize(group.stream()))
                            .into(),
                    );
                }
            }
            // `print-schema` writes some texts raw.
            TokenTree::Literal(literal) => {
                kept.push(match syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    Ok(text) => proc_macro2::Literal::string(&text.value()).into(),
                    Err(_) => literal.into(),
                });
            }
            other => kept.push(other),
        }
    }
    if kept.last().is_some_and(|last| last.to_string() == ",") {
        kept.pop();
    }
    // Through text, so that spacing that only the parser sees is gone.
    kept.into_iter()
        .collect::<TokenStream>()
        .to_string()
        .parse()
        .unwrap()
}

#[test]
#[ignore = "needs diesel_cli, see the module's documentation"]
fn tables_are_those_of_print_schema() {
    let input: SchemaInput = syn::parse_str("mod schema = \"migrations/room\";").unwrap();
    for sql in DATABASES {
        let package = package(&[("1_a/up.sql", sql)]);
        let set = load_package(&package).unwrap();
        let (ours, errors) = expand_schema(&input, &set.schema);
        assert!(errors.is_empty(), "{sql}: {errors:?}");
        let ours: syn::ItemMod = syn::parse2(ours).unwrap();

        let database = package.path().join("actor.db");
        std::fs::write(&database, set.image("", PAGE_SIZE_DEFAULT).unwrap()).unwrap();
        let output = Command::new(tool())
            .args([
                "print-schema",
                "--sqlite-integer-primary-key-is-bigint",
                "--database-url",
            ])
            .arg(&database)
            .current_dir(package.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let theirs = syn::parse_file(&String::from_utf8(output.stdout).unwrap()).unwrap();

        assert_eq!(
            macros(&ours.content.unwrap().1),
            macros(&theirs.items),
            "{sql}"
        );
    }
}
