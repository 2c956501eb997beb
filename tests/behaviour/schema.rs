//! `schema!` and the image of a new actor: what Diesel sees is what the migrations leave.

use std::path::Path;

use actor_core::prelude::*;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};

use crate::support::{directory, start};

actor_core::schema! {
    mod schema = "migrations/library" {
        printed.id: BigInt,
        printed.title: Text,
    }
}
use schema::{authors, books, printed, shelves};

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = authors, check_for_backend(Sqlite))]
struct Author {
    id: i64,
    name: String,
    born: Option<i32>,
}

#[derive(
    Clone, Debug, PartialEq, Queryable, Selectable, Identifiable, Associations, Insertable,
)]
#[diesel(table_name = books, belongs_to(Author, foreign_key = author), check_for_backend(Sqlite))]
struct Book {
    id: i64,
    author: i64,
    title: String,
    price: Option<f64>,
    in_print: bool,
    cover: Option<Vec<u8>>,
    #[diesel(column_name = type_)]
    kind: String,
    shelf: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable)]
#[diesel(table_name = shelves, primary_key(room, place), check_for_backend(Sqlite))]
struct Shelf {
    room: String,
    place: i32,
}

#[derive(Actor)]
#[actor(name = "library")]
struct Library {}

#[actor]
impl Library {
    #[migrate("migrations/library")]
    fn migrate() {}

    #[action]
    fn add(&mut self, cx: &mut Context<'_, Self>, author: Author, book: Book) -> Result<()> {
        let insert_author = diesel::insert_into(authors::table).values(author);
        insert_author.on_conflict_do_nothing().execute(cx.db())?;
        diesel::insert_into(books::table)
            .values(book)
            .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn written_by(&self, cx: &mut Context<'_, Self>, id: i64) -> Result<(Author, Vec<Book>)> {
        let author = authors::table
            .find(id)
            .select(Author::as_select())
            .first(cx.db())?;
        let books = Book::belonging_to(&author)
            .select(Book::as_select())
            .order(books::id)
            .load(cx.db())?;
        Ok((author, books))
    }

    #[action]
    fn titles(&self, cx: &mut Context<'_, Self>) -> Result<Vec<(String, String, Option<i32>)>> {
        Ok(books::table
            .inner_join(authors::table)
            .select((books::title, authors::name, authors::born))
            .order(books::title)
            .load(cx.db())?)
    }

    #[action]
    fn printed(&self, cx: &mut Context<'_, Self>) -> Result<Vec<(i64, String)>> {
        Ok(printed::table.load(cx.db())?)
    }

    #[action]
    fn furnish(&mut self, cx: &mut Context<'_, Self>, wanted: Shelf) -> Result<Shelf> {
        diesel::insert_into(shelves::table)
            .values(&wanted)
            .execute(cx.db())?;
        Ok(shelves::table
            .find((wanted.room, wanted.place))
            .select(Shelf::as_select())
            .first(cx.db())?)
    }
}

/// One row of `sqlite_schema`.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Object {
    #[diesel(sql_type = diesel::sql_types::Text)]
    r#type: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    tbl_name: String,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    sql: Option<String>,
}

/// Reads what the user's migrations made, and the applied versions. The image of a new actor is packed, which puts the rows
/// of `sqlite_schema` in an order of its own.
fn objects_and_versions(connection: &mut SqliteConnection) -> (Vec<Object>, Vec<String>) {
    // The framework's and Diesel's own tables, with the indexes that SQLite makes for them.
    let objects = diesel::sql_query(
        r"SELECT type, name, tbl_name, sql FROM sqlite_schema
          WHERE tbl_name NOT LIKE '\_actor\_%' ESCAPE '\' AND tbl_name <> '__diesel_schema_migrations'
          ORDER BY type, name",
    );
    let versions = connection.applied_migrations().unwrap();
    (
        objects.load(connection).unwrap(),
        versions.iter().map(ToString::to_string).collect(),
    )
}

fn connect(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_new_actor_has_the_schema_that_diesel_migrations_leaves() {
    let directory = directory();
    let system = start::<Library>(directory.path()).await;
    system.create::<Library>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    let mut created = connect(&directory.path().join("library/k_a.db"));

    let mut replayed = connect(&directory.path().join("replayed.db"));
    let files = FileBasedMigrations::from_path("migrations/library").unwrap();
    replayed.run_pending_migrations(files).unwrap();

    let found = objects_and_versions(&mut created);
    assert_eq!(found, objects_and_versions(&mut replayed));
    let (objects, versions) = found;
    let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "books_by_author",
            "sqlite_autoindex_books_1",
            "authors",
            "books",
            "shelves",
            "books_keep_their_author",
            "printed",
        ]
    );
    assert_eq!(
        versions,
        ["20261122000003", "20261122000002", "20261122000001"]
    );
    // So the command line tool of Diesel finds nothing to do, and can revert.
    let files = FileBasedMigrations::from_path("migrations/library").unwrap();
    assert!(!created.has_pending_migration(files.clone()).unwrap());
    let count = MigrationSource::<Sqlite>::migrations(&files).unwrap().len();
    assert_eq!(count, 3);
    created.revert_all_migrations(files).unwrap();
    assert_eq!(objects_and_versions(&mut created), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn types_nullability_keys_and_joins_work_with_diesels_derives() {
    let directory = directory();
    let system = start::<Library>(directory.path()).await;
    let library = system.get_or_create::<Library>("a", ());
    let author = Author {
        id: 7,
        name: "Le Guin".to_owned(),
        born: None,
    };
    let dispossessed = Book {
        id: 1 << 40,
        author: 7,
        title: "The Dispossessed".to_owned(),
        price: Some(8.5),
        in_print: true,
        cover: None,
        kind: "novel".to_owned(),
        shelf: None,
    };
    let draft = Book {
        id: (1 << 40) + 1,
        title: "A draft".to_owned(),
        price: None,
        in_print: false,
        cover: Some(vec![0, 255]),
        kind: "story".to_owned(),
        shelf: Some("7b".to_owned()),
        ..dispossessed.clone()
    };
    for book in [&dispossessed, &draft] {
        library.add(author.clone(), book.clone()).await.unwrap();
    }
    assert_eq!(
        library.titles().await.unwrap(),
        [
            ("A draft".to_owned(), "Le Guin".to_owned(), None),
            ("The Dispossessed".to_owned(), "Le Guin".to_owned(), None),
        ]
    );
    assert_eq!(
        library.printed().await.unwrap(),
        [(1 << 40, "The Dispossessed".to_owned())]
    );
    assert_eq!(
        library.written_by(7).await.unwrap(),
        (author, vec![dispossessed, draft])
    );
    let shelf = Shelf {
        room: "east".to_owned(),
        place: 3,
    };
    assert_eq!(library.furnish(shelf.clone()).await.unwrap(), shelf);
    system.shutdown().await.unwrap();
}
