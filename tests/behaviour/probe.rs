//! An actor that says what runs, counts its rows, and fails where it is told to.

use std::time::Duration;

use actor_core::prelude::*;
use diesel::prelude::*;

use crate::support::{Broken, Faults, Log, builder, directory, reach};

actor_core::schema! { mod schema = "migrations/probe"; }
use schema::notes;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    pub(crate) title: String,
    pub(crate) edits: u32,
}

/// What `create_vars` counted when the instance started.
#[derive(Debug)]
pub(crate) struct Vars {
    pub(crate) rows_at_start: i64,
}

#[derive(Actor)]
#[actor(name = "probe", sleep_after = "30s", mailbox = 4)]
pub(crate) struct Probe {
    #[state]
    settings: State<Settings>,
    #[vars]
    vars: Vars,
}

/// What [`Probe`]'s `create_state` takes.
#[derive(Clone, Debug)]
pub(crate) struct NewProbe {
    pub(crate) title: &'static str,
}

fn rows(db: &mut actor_core::Db) -> Result<i64> {
    Ok(notes::table.count().get_result(db)?)
}

fn write(db: &mut actor_core::Db, text: &str) -> Result<()> {
    diesel::insert_into(notes::table)
        .values(notes::text.eq(text))
        .execute(db)?;
    Ok(())
}

fn log(system: &System, entry: String) {
    if let Some(log) = system.extension::<Log>() {
        log.push(entry);
    }
}

#[actor]
impl Probe {
    #[migrate("migrations/probe")]
    fn migrate() {}

    #[create_state]
    async fn create_state(
        cx: &mut Context<'_, Self, Migrated>,
        input: NewProbe,
    ) -> Result<Settings> {
        let rows = rows(cx.db())?;
        log(cx.system(), format!("create_state sees {rows}"));
        write(cx.db(), "create_state")?;
        reach(cx.system(), "create_state").await?;
        Ok(Settings {
            title: input.title.to_owned(),
            edits: 0,
        })
    }

    #[on_create]
    async fn on_create(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        write(cx.db(), "on_create")?;
        reach(cx.system(), "on_create").await?;
        diesel::delete(notes::table).execute(cx.db())?;
        Ok(())
    }

    #[on_create]
    async fn count_after_create(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        let rows = rows(cx.db())?;
        log(cx.system(), format!("on_create leaves {rows}"));
        reach(cx.system(), "count_after_create").await
    }

    #[create_vars]
    async fn create_vars(cx: &mut Context<'_, Self, Stateful>) -> Result<Vars> {
        let rows_at_start = rows(cx.db())?;
        reach(cx.system(), "create_vars").await?;
        Ok(Vars { rows_at_start })
    }

    #[on_wake]
    async fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_wake").await
    }

    #[on_before_start]
    async fn on_before_start(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_before_start").await
    }

    #[on_sleep]
    async fn on_sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_sleep").await
    }

    #[on_destroy]
    async fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_destroy").await
    }

    /// Adds a note.
    #[action]
    pub(crate) async fn add(&mut self, cx: &mut Context<'_, Self>, text: String) -> Result<i64> {
        write(cx.db(), &text)?;
        reach(cx.system(), "add").await?;
        rows(cx.db())
    }

    /// Renames the probe, adds a note, and fails where it is told to.
    #[action]
    pub(crate) async fn rename(
        &mut self,
        cx: &mut Context<'_, Self>,
        title: String,
    ) -> Result<Settings> {
        self.settings.edits += 1;
        write(cx.db(), &title)?;
        self.settings.title = title;
        reach(cx.system(), "rename").await?;
        Ok(self.settings.clone())
    }

    #[action]
    pub(crate) fn settings(&self, _cx: &mut Context<'_, Self>) -> Result<Settings> {
        Ok(self.settings.clone())
    }

    #[action]
    pub(crate) fn rows(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        rows(cx.db())
    }

    #[action]
    pub(crate) fn rows_at_start(&self, _cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(self.vars.rows_at_start)
    }

    #[action]
    pub(crate) fn texts(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(notes::table
            .order(notes::id)
            .select(notes::text)
            .load(cx.db())?)
    }

    /// Takes `&self` and writes all the same.
    #[action]
    pub(crate) fn sly(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        write(cx.db(), "sly")
    }

    /// Takes `&self` and writes through a query that returns rows.
    #[action]
    pub(crate) fn sly_returning(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(diesel::insert_into(notes::table)
            .values(notes::text.eq("sly"))
            .returning(notes::id)
            .get_result(cx.db())?)
    }

    #[action(timeout = "2s")]
    pub(crate) async fn nap(&mut self, cx: &mut Context<'_, Self>, seconds: u64) -> Result<()> {
        write(cx.db(), "nap")?;
        self.settings.title = String::from("napping");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }

    /// Holds the actor until it is told to go on.
    #[action]
    pub(crate) async fn hold(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "hold").await
    }

    #[action]
    pub(crate) fn raw(&mut self, cx: &mut Context<'_, Self>, sql: String) -> Result<()> {
        use diesel::connection::SimpleConnection as _;
        Ok(cx.db().batch_execute(&sql)?)
    }

    /// Runs a transaction of Diesel's inside of the action, which fails, and goes on.
    #[action]
    pub(crate) fn savepoint(&mut self, cx: &mut Context<'_, Self>) -> Result<i64> {
        write(cx.db(), "outside")?;
        let inner = cx.db().transaction::<(), diesel::result::Error, _>(|db| {
            diesel::insert_into(notes::table)
                .values(notes::text.eq("inside"))
                .execute(db)?;
            Err(diesel::result::Error::RollbackTransaction)
        });
        assert_eq!(inner, Err(diesel::result::Error::RollbackTransaction));
        rows(cx.db())
    }

    /// Writes and counts away from the runtime's workers, and then fails if it is told to.
    #[action]
    pub(crate) async fn count_aside(
        &mut self,
        cx: &mut Context<'_, Self>,
        text: String,
        fail: bool,
    ) -> Result<i64> {
        let rows = cx
            .blocking(move |db| {
                write(db, &text)?;
                rows(db)
            })
            .await?;
        if fail {
            return Err(Broken("count_aside").into());
        }
        Ok(rows)
    }

    #[action(timeout = "50ms")]
    pub(crate) async fn endless_aside(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        use diesel::connection::SimpleConnection as _;
        cx.blocking(|db| {
            db.batch_execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
            )
        })
        .await
    }

    #[action]
    pub(crate) async fn durable_rows(&mut self, cx: &mut Context<'_, Self>) -> Result<i64> {
        cx.durable().await?;
        rows(cx.db())
    }

    /// Writes without waiting, so that it shares its transaction with what is ready beside it.
    #[action]
    pub(crate) fn put(&mut self, cx: &mut Context<'_, Self>, text: String) -> Result<u32> {
        self.settings.edits += 1;
        write(cx.db(), &text)?;
        match text.as_str() {
            "fail" => Err(Broken("put").into()),
            "panic" => panic!("put panics"),
            _ => Ok(self.settings.edits),
        }
    }

    #[action]
    pub(crate) fn own_error(
        &mut self,
        _cx: &mut Context<'_, Self>,
    ) -> core::result::Result<(), Broken> {
        Err(Broken("own"))
    }
}

/// What most tests create a probe with.
pub(crate) const NEW: NewProbe = NewProbe { title: "new" };

/// The name of the file of the probe with the key `a`.
pub(crate) const FILE: &str = "probe/k_a.db";

/// Starts a system of probes, with a log and faults.
pub(crate) async fn probes() -> (tempfile::TempDir, Log, Faults, System) {
    let (directory, log, faults) = (directory(), Log::default(), Faults::default());
    let system = builder(directory.path(), &log, &faults)
        .register::<Probe>()
        .start()
        .await
        .unwrap();
    (directory, log, faults, system)
}
