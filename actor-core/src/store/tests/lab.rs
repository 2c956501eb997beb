//! A store on a disk in memory, with actors that are rows of numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::key::{IntoKey as _, Key};
use crate::observe::metrics::StoreMetrics;
use crate::store::disk::{Disk, SimDisk};
use crate::store::log::{Options, Ticket};
use crate::store::{
    Backing, Connections, Database, Directory, Durability, Gatekeeper, Migration, Migrations,
    Paths, StoreError, Template, Volume, directory, volume::Held,
};

static LIST: [Migration; 2] = [
    Migration::new(
        "20260101000001",
        "2026-01-01-000001_numbers",
        "CREATE TABLE numbers (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, filler TEXT NOT NULL DEFAULT '');",
        Some("DROP TABLE numbers;"),
        [1; 32],
    ),
    Migration::new(
        "20260101000002",
        "2026-01-01-000002_by_value",
        "CREATE INDEX by_value ON numbers (value);",
        Some("DROP INDEX by_value;"),
        [2; 32],
    ),
];

/// The migrations of the actors here.
pub(super) const MIGRATIONS: Migrations = Migrations::new("lab", &LIST, None, ("", &[]));

/// Where the store is on the disk.
pub(super) const ROOT: &str = "/data";

/// The name of the type of the actors here.
pub(super) const ACTOR: &str = "numbers";

/// Nobody waits for replies here.
pub(super) struct Nobody;

impl Gatekeeper for Nobody {
    fn advanced(&self) {}

    fn lost(self: Arc<Self>) {}
}

/// What an actor has: its rows.
pub(super) type Rows = BTreeMap<i64, i64>;

/// A store that is open.
pub(super) struct Lab {
    root: PathBuf,
    pub(super) volume: Arc<Volume>,
    backing: Backing,
    pub(super) template: Arc<Template>,
}

/// Small segments, so that a short script fills and recycles them; no threads, so that it is the same each time.
pub(super) fn options() -> Options {
    Options {
        segment_bytes: 8 * 1024,
        segments: 3,
        buffer_bytes: 64 * 1024,
        threads: false,
        runtime: None,
        seed: Some(7),
        metrics: StoreMetrics::default(),
    }
}

pub(super) fn template() -> Arc<Template> {
    let template = Template::build(&MIGRATIONS, false).unwrap().unwrap();
    Arc::new(template)
}

impl Lab {
    pub(super) fn open(disk: &SimDisk, template: &Arc<Template>) -> Result<Self, StoreError> {
        Self::on(Arc::new(disk.clone()), Path::new(ROOT), template)
    }

    /// Opens a store in a directory of a disk.
    pub(super) fn on(
        disk: Arc<dyn Disk>,
        root: &Path,
        template: &Arc<Template>,
    ) -> Result<Self, StoreError> {
        Self::with(disk, root, template, &options())
    }

    /// Opens a store whose log is set up like this.
    pub(super) fn with(
        disk: Arc<dyn Disk>,
        root: &Path,
        template: &Arc<Template>,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let mut lab = Self::without_directory(disk, root, template, options)?;
        let empty = directory::image()?;
        let opened = directory::open(&lab.volume, &empty);
        let directory = Arc::new(opened.inspect_err(|_| lab.volume.give_up())?);
        lab.backing.directory = Some(directory);
        Ok(lab)
    }

    /// Opens a store of which nobody lists the actors: their pages may be anything.
    pub(super) fn without_directory(
        disk: Arc<dyn Disk>,
        root: &Path,
        template: &Arc<Template>,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let directory = root.join(ACTOR);
        let prepare = || {
            disk.create_dir_all(&directory)?;
            disk.sync_dir(root)?;
            disk.sync_dir(root.parent().expect("it is below another"))
        };
        prepare().map_err(StoreError::io("create", &directory))?;
        let empty = directory::image()?;
        let images = [Arc::clone(template.image()), Arc::clone(&empty)];
        let volume = Volume::open(disk, root, &images, options, Held::default())?;
        let backing = Backing {
            volume: Arc::clone(&volume),
            directory: None,
            connections: Arc::new(Connections::default()),
            keeper: Arc::new(Nobody),
        };
        Ok(Self {
            root: root.to_owned(),
            volume,
            backing,
            template: Arc::clone(template),
        })
    }

    fn paths(&self, key: &Key) -> Paths {
        Paths::new(&self.root.join(ACTOR), key)
    }

    /// Opens an actor; `None` if it does not exist.
    pub(super) fn wake(&self, key: &str) -> Result<Option<Database>, StoreError> {
        let key = key.into_key().unwrap();
        let opened = Database::open(&self.paths(&key), ACTOR, key.as_str(), self.backing.clone())?;
        Ok(opened.map(|(database, _)| database))
    }

    /// Opens an actor that exists, and applies what it lacks of the migrations of the store's template.
    pub(super) fn migrate(&self, key: &str, pending: &'static [Migration]) -> Database {
        let key = key.into_key().unwrap();
        let opened = Database::open(&self.paths(&key), ACTOR, key.as_str(), self.backing.clone());
        let (mut database, meta) = opened.unwrap().expect("it exists");
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(10);
        database.begin_migrating(deadline).unwrap();
        for migration in pending {
            database.apply(migration).unwrap();
        }
        let finished = database.finish_migrating(Some(&meta), &self.template);
        let _ticket = finished.unwrap().unwrap();
        database
    }

    /// Returns how many statements each idle connection has prepared, by its schema.
    pub(super) fn prepared(&self) -> Vec<Vec<usize>> {
        self.backing.connections.prepared()
    }

    /// Begins an actor. It exists when it is committed.
    pub(super) fn begin(&self, key: &str) -> Result<Database, StoreError> {
        let key = key.into_key().unwrap();
        let mut database =
            Database::create(&self.paths(&key), &self.template, self.backing.clone())?;
        database.db().enter("create", false, None);
        let schema = (self.template.fingerprint(), None);
        database.mark_created(ACTOR, key.as_str(), schema, None)?;
        Ok(database)
    }

    /// Returns the list of all actors.
    pub(super) fn directory(&self) -> &Arc<Directory> {
        let directory = self.backing.directory.as_ref();
        directory.expect("the store has one")
    }

    /// Returns the keys of all actors, as the directory lists them.
    pub(super) fn keys(&self) -> Result<Vec<String>, StoreError> {
        let rows = self.directory().list(ACTOR, None, i64::MAX)?;
        Ok(rows.into_iter().map(|row| row.key).collect())
    }

    /// Writes the log, and returns whether a commit is through.
    pub(super) fn flush(&self, ticket: Ticket) -> Result<(), StoreError> {
        self.volume.sync_to(ticket.written)
    }
}

/// Runs SQL as a handler does.
pub(super) fn run(database: &mut Database, sql: &str) -> QueryResult<()> {
    database.db().enter("run", false, None);
    database.db().batch_execute(sql)
}

/// Writes a row.
pub(super) fn put(database: &mut Database, id: i64, value: i64, filler: usize) -> QueryResult<()> {
    database.db().enter("put", false, None);
    diesel::sql_query("INSERT OR REPLACE INTO numbers (id, value, filler) VALUES (?, ?, ?)")
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(value)
        .bind::<Text, _>("x".repeat(filler))
        .execute(database.db())
        .map(drop)
}

/// One row.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    value: i64,
}

/// One line of what a check says.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// Reads all rows, and has SQLite check the whole database.
pub(super) fn rows(database: &mut Database) -> QueryResult<Rows> {
    database.db().enter("rows", true, None);
    let lines: Vec<Line> = diesel::sql_query("PRAGMA integrity_check").load(database.db())?;
    let lines: Vec<_> = lines.into_iter().map(|line| line.integrity_check).collect();
    if lines
        .iter()
        .any(|line| line.contains("unable to get the page"))
    {
        return Err(diesel::result::Error::NotFound);
    }
    assert_eq!(lines, ["ok"], "the database is whole");
    let rows: Vec<Row> =
        diesel::sql_query("SELECT id, value FROM numbers ORDER BY id").load(database.db())?;
    database.rollback().expect("nothing was written");
    Ok(rows.into_iter().map(|row| (row.id, row.value)).collect())
}

/// Commits, and waits until that is on disk.
pub(super) fn commit(lab: &Lab, database: &mut Database) -> Result<(), StoreError> {
    let ticket = database.commit(Durability::Synced)?;
    lab.flush(ticket)
}
