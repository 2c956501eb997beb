//! The tokens of `schema!`, and what is wrong with its block.

use proc_macro2::TokenStream;
use quote::ToTokens as _;

use super::super::entry::expand;
use super::{load_package, package, problems, write};

const ROOM: &str = "-- What was said.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY NOT NULL,
  author INTEGER NOT NULL REFERENCES members (id), -- Who said it.
  sent_at TIMESTAMP,
  note JSON
);
CREATE TABLE members (\"type\" INT, id INTEGER PRIMARY KEY);
CREATE VIEW recent AS SELECT id, sent_at, length(note) AS size FROM messages;
";

/// Expands a block of overrides for [`ROOM`].
fn expand_room(block: &str) -> String {
    let package = package(&[("1_a/up.sql", ROOM)]);
    let input: TokenStream = format!("pub mod schema = \"migrations/room\" {{ {block} }}")
        .parse()
        .unwrap();
    let file: syn::File = syn::parse2(expand(input, Some(package.path()))).unwrap();
    file.items
        .iter()
        .map(|item| item.to_token_stream().to_string() + "\n")
        .collect()
}

/// Returns the messages of the errors in an expansion.
fn errors(expansion: &str) -> Vec<String> {
    let file: syn::File = syn::parse_str(expansion).unwrap();
    let message = |item: &syn::Item| match item {
        syn::Item::Macro(item)
            if item.mac.path.segments.last().unwrap().ident == "compile_error" =>
        {
            Some(
                syn::parse2::<syn::LitStr>(item.mac.tokens.clone())
                    .unwrap()
                    .value(),
            )
        }
        _ => None,
    };
    file.items.iter().filter_map(message).collect()
}

/// Takes blanks out, which are up to the printer of tokens.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn tables_have_docs_types_names_and_joins() {
    let expansion = expand_room(
        "messages.note: Text, messages.sent_at: TimestamptzSqlite, members.id: BigInt, recent.size: Nullable<Integer>,",
    );
    assert_eq!(errors(&expansion), [""; 0]);
    let expected = r#"
        #[doc = " The tables of `migrations/room`, read from its migrations."]
        pub mod schema {
            ::diesel::table! {
                #[doc = " The table `members`."]
                members (id) {
                    #[doc = " The column `type`, declared as `INT`."] #[sql_name = "type"] type_ -> Nullable<Integer>,
                    #[doc = " The column `id`, declared as `INTEGER`."] id -> BigInt,
                }
            }
            ::diesel::table! {
                #[doc = " What was said."]
                messages (id) {
                    #[doc = " The column `id`, declared as `INTEGER`."] id -> BigInt,
                    #[doc = " Who said it."] author -> BigInt,
                    #[doc = " The column `sent_at`, declared as `TIMESTAMP`."] sent_at -> Nullable<TimestamptzSqlite>,
                    #[doc = " The column `note`, declared as `JSON`."] note -> Nullable<Text>,
                }
            }
            ::diesel::table! {
                #[doc = " The view `recent`."]
                recent (id) {
                    #[doc = " The column `id`, declared as `INTEGER`."] id -> Nullable<BigInt>,
                    #[doc = " The column `sent_at`, declared as `TIMESTAMP`."] sent_at -> Nullable<TimestamptzSqlite>,
                    #[doc = " The column `size`."] size -> Nullable<Integer>,
                }
            }
            ::diesel::joinable!(messages -> members (author));
            ::diesel::allow_tables_to_appear_in_same_query!(members, messages, recent);
        }
        const _: &[u8] = ::core::include_bytes!("#;
    let found = squeeze(&expansion);
    assert!(found.starts_with(&squeeze(expected)), "{expansion}");
}

#[test]
fn types_that_are_not_known_are_errors_that_name_the_override() {
    let expansion = expand_room("");
    assert_eq!(
        errors(&expansion),
        [
            "the column `note` of `messages` has the type `JSON`, which Diesel does not know\n\
             help: write the type into the block of `schema!`, for instance `messages.note: Text`",
            "the column `size` of the view `recent` is an expression, whose type SQLite does not know\n\
             help: write the type into the block of `schema!`, for instance `recent.size: Text`",
        ]
    );
    // What is known is there nevertheless.
    assert!(squeeze(&expansion).contains("members(id)"));
}

#[test]
fn overrides_that_name_nothing_are_errors_with_the_nearest_name() {
    let known = "messages.note: Text, recent.size: Integer, ";
    let cases = [
        (
            "mesages.note: Text",
            "there is no table or view `mesages`\nhelp: did you mean `messages`?",
        ),
        (
            "xyz.note: Text",
            "there is no table or view `xyz`\nhelp: there are `members`, `messages` and `recent`",
        ),
        (
            "messages.sentat: Text",
            "there is no column `sentat` in `messages`\nhelp: did you mean `sent_at`?",
        ),
        (
            "recent: (nope)",
            "there is no column `nope` in `recent`\nhelp: there are `id`, `sent_at` and `size`",
        ),
        (
            "members: (id)",
            "`members` is a table, whose key the migrations declare\nhelp: remove this line; only a view needs one",
        ),
        ("recent: ()", "the key of a view needs at least one column"),
        ("messages.note: Text", "`messages.note` is given twice"),
    ];
    for (block, expected) in cases {
        assert_eq!(
            errors(&expand_room(&format!("{known}{block}"))),
            [expected],
            "{block}"
        );
    }
    assert_eq!(
        errors(&expand_room(&format!(
            "{known}members.type: BigInt, members.type_: BigInt"
        )))
        .len(),
        0
    );
}

#[test]
fn a_wrong_form_says_what_is_right() {
    let cases = [
        (
            "",
            "expected `mod`\nhelp: write `pub mod schema = \"migrations/chat_room\";`",
        ),
        ("pub mod schema", "expected `=`\nhelp: write"),
        (
            "mod schema = migrations",
            "expected string literal\nhelp: write",
        ),
        ("mod schema = \"m\"", "expected `;`"),
        (
            "mod schema = \"m\"; mod b = \"n\";",
            "unexpected token\nhelp: write",
        ),
        (
            "mod schema = \"m\" { a }",
            "expected `:`\nhelp: write `table.column: SqlType`",
        ),
        (
            "mod schema = \"m\" { a: B }",
            "expected the key of a view in parentheses\nhelp: write",
        ),
        ("mod schema = \"m\" { a.b: (c) }", "expected identifier"),
    ];
    for (input, expected) in cases {
        let found = errors(&expand(input.parse().unwrap(), None).to_string());
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{input}: {found:?}"
        );
    }
}

#[test]
fn a_broken_directory_gives_its_errors_and_the_tables_that_are_known() {
    let package = package(&[(
        "1_a/up.sql",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\nCREATE TABEL b (id);",
    )]);
    let input = "mod schema = \"migrations/room\" { b.id: BigInt }"
        .parse()
        .unwrap();
    let expansion = expand(input, Some(package.path())).to_string();
    let found = errors(&expansion);
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .starts_with("near \"TABEL\": syntax error\n  --> migrations/room/1_a/up.sql:2:8\n")
    );
    assert!(squeeze(&expansion).contains("a(id){"));
}

#[test]
fn a_table_without_a_primary_key_is_refused_by_schema_alone() {
    let files = [(
        "1_a/up.sql",
        "CREATE TABLE a (b TEXT); CREATE TABLE c (id INTEGER PRIMARY KEY);",
    )];
    assert_eq!(problems(&files), [""; 0]);
    let package = package(&files);
    let expansion = expand(
        "mod schema = \"migrations/room\";".parse().unwrap(),
        Some(package.path()),
    )
    .to_string();
    assert_eq!(
        errors(&expansion),
        [
            "the table `a` has no primary key, which Diesel needs\nhelp: declare one in a migration, for instance \
          `id INTEGER PRIMARY KEY NOT NULL`; the implicit `rowid` can change when a database is packed"
        ]
    );
}

#[test]
fn comments_follow_a_renamed_table() {
    let up = "-- Old.\nCREATE TABLE a (id INTEGER PRIMARY KEY);\n\n-- Apart.\n\n-- New.\nCREATE TABLE new_a (id INTEGER PRIMARY KEY);
        DROP TABLE a; ALTER TABLE new_a RENAME TO a; CREATE VIEW v AS SELECT * FROM a; -- behind\nCREATE TABLE c (id INTEGER PRIMARY KEY);";
    let set = load_package(&package(&[("1_a/up.sql", up)])).unwrap();
    let docs: Vec<_> = set
        .schema
        .tables
        .iter()
        .map(|table| table.docs.join("|"))
        .collect();
    assert_eq!(docs, ["New.", "", ""]);
}

#[test]
fn half_typed_files_never_panic() {
    let whole = include_str!("../../../tests/fixtures/chat_room/2025-01-01-000000_create/up.sql");
    let search = include_str!("../../../tests/fixtures/chat_room/2025-02-01-000000_search/up.sql");
    let whole = format!("{whole}{search}");
    let package = package(&[]);
    for end in (0..whole.len())
        .step_by(13)
        .filter(|&end| whole.is_char_boundary(end))
    {
        write(&package, "1_a/up.sql", &whole[..end]);
        write(&package, "1_a/down.sql", &whole[end..]);
        let input = "mod schema = \"migrations/room\" { messages.sent_at: Text }"
            .parse()
            .unwrap();
        let expansion = expand(input, Some(package.path())).to_string();
        assert!(expansion.contains("mod schema {"), "{end}: {expansion}");
    }
}
