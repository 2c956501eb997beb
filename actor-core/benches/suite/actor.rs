//! The actor that is measured, and the same statements on a plain connection.

use std::path::Path;

use actor_core::prelude::*;
use diesel::prelude::*;

actor_core::schema! { mod schema = "migrations/bench"; }
use schema::{counters, log};

#[derive(Actor)]
#[actor(name = "bench", sleep_after = "never")]
pub(crate) struct Bench {}

#[actor]
impl Bench {
    #[migrate("migrations/bench")]
    fn migrate() {}

    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>) -> Result<()> {
        first(cx.db())?;
        Ok(())
    }

    /// Does not touch the database.
    #[action]
    pub(crate) fn ping(&self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        Ok(number)
    }

    #[action]
    pub(crate) fn read(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(read(cx.db())?)
    }

    #[action]
    pub(crate) fn write(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        write(cx.db())?;
        Ok(())
    }
}

/// The same actor after fifty migrations.
#[derive(Actor)]
#[actor(name = "fifty", sleep_after = "never")]
pub(crate) struct Fifty {}

#[actor]
impl Fifty {
    #[migrate("migrations/fifty")]
    fn migrate() {}

    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>) -> Result<()> {
        first(cx.db())?;
        Ok(())
    }
}

/// Starts a system in a directory of its own.
pub(crate) async fn system(
    directory: &Path,
    name: &str,
    durability: actor_core::Durability,
) -> System {
    System::builder()
        .data_dir(directory.join(name))
        .durability(durability)
        .register::<Bench>()
        .register::<Fifty>()
        .start()
        .await
        .expect("a system starts")
}

/// Writes the row that the others work on.
pub(crate) fn first<C: Sqlite>(connection: &mut C) -> QueryResult<()> {
    connection.first()
}

/// Reads one row by its key.
pub(crate) fn read<C: Sqlite>(connection: &mut C) -> QueryResult<i64> {
    connection.read()
}

/// One UPDATE and one INSERT.
pub(crate) fn write<C: Sqlite>(connection: &mut C) -> QueryResult<()> {
    connection.write()
}

/// The statements, on the framework's connection and on Diesel's own.
pub(crate) trait Sqlite {
    fn first(&mut self) -> QueryResult<()>;
    fn read(&mut self) -> QueryResult<i64>;
    fn write(&mut self) -> QueryResult<()>;
}

macro_rules! statements {
    ($($connection:ty),*) => {$(
        impl Sqlite for $connection {
            fn first(&mut self) -> QueryResult<()> {
                diesel::insert_into(counters::table)
                    .values((counters::id.eq(1), counters::hits.eq(0)))
                    .execute(self)
                    .map(drop)
            }

            fn read(&mut self) -> QueryResult<i64> {
                counters::table.find(1).select(counters::hits).first(self)
            }

            fn write(&mut self) -> QueryResult<()> {
                diesel::update(counters::table.find(1))
                    .set(counters::hits.eq(counters::hits + 1))
                    .execute(self)?;
                diesel::insert_into(log::table)
                    .values((log::hits.eq(1), log::words.eq("one of the many things that happened")))
                    .execute(self)
                    .map(drop)
            }
        }
    )*};
}

statements!(actor_core::Db, diesel::SqliteConnection);
