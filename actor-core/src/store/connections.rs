//! [`Connections`]: open connections that serve one actor after the other.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::ConnectionError;
use diesel::connection::SimpleConnection as _;
use parking_lot::Mutex;

use super::pages::Pages;
use super::schema::Schema;
use super::sqlite::Guarded;
use crate::limits;

/// The settings of every connection, each with its reason:
/// - `journal_mode`: what SQLite needs to roll back is in memory; the log of the store is what survives;
/// - `synchronous`: there is nothing below a connection that could be synced;
/// - `locking_mode`: SQLite looks each time whether another actor's pages lie under the connection;
/// - `foreign_keys`: whatever SQLite was built with, a reference that is declared holds;
/// - `temp_store`: there is no place for temporary files;
/// - `cache_size`: 512 KiB, because there are many connections; what does not fit goes to the actor's pages early.
const SETTINGS: &str = "
    PRAGMA journal_mode = MEMORY;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -512;
";

/// Open connections, by the schema of the actors that they served.
#[derive(Default)]
pub(crate) struct Connections {
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Boxed, so that an actor that uses none has no room for one.
    #[allow(clippy::vec_box, reason = "they go from here to the actors and back")]
    by_schema: HashMap<Schema, Vec<Box<Guarded>>>,
    count: usize,
}

impl Connections {
    /// Returns a connection with these pages under it. One that served an actor with the same schema is ready for it.
    pub(super) fn take(
        &self,
        schema: &Schema,
        pages: &Arc<Pages>,
    ) -> Result<Box<Guarded>, ConnectionError> {
        let idle = {
            let mut idle = self.idle.lock();
            let connection = idle.by_schema.get_mut(schema).and_then(Vec::pop);
            idle.count -= usize::from(connection.is_some());
            connection
        };
        match idle {
            Some(connection) => {
                connection.mount_other(Arc::clone(pages));
                Ok(connection)
            }
            None => Self::open(pages),
        }
    }

    /// Opens a connection that served nobody before.
    pub(super) fn open(pages: &Arc<Pages>) -> Result<Box<Guarded>, ConnectionError> {
        let mut guarded = Guarded::over(Arc::clone(pages))?;
        guarded
            .connection
            .batch_execute(SETTINGS)
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Box::new(guarded))
    }

    /// Takes a connection back, for the next actor with this schema.
    pub(super) fn give_back(&self, schema: Schema, connection: Box<Guarded>) {
        connection.unmount();
        let mut idle = self.idle.lock();
        if idle.count >= limits::IDLE_CONNECTIONS {
            // Of a schema that is rare, most likely: one that is not drops this one, and opens another when it needs it.
            let crowded = idle.by_schema.values().map(Vec::len).max().unwrap_or(0);
            let own = idle.by_schema.get(&schema).map_or(0, Vec::len);
            if own >= crowded {
                return;
            }
            let other = idle
                .by_schema
                .iter_mut()
                .filter(|(other, _)| **other != schema)
                .max_by_key(|(_, connections)| connections.len());
            let Some((_, connections)) = other else {
                return;
            };
            let dropped = connections.pop();
            idle.count -= usize::from(dropped.is_some());
            idle.by_schema
                .retain(|_, connections| !connections.is_empty());
        }
        idle.count += 1;
        idle.by_schema.entry(schema).or_default().push(connection);
    }

    /// Returns how many statements each idle connection has prepared, by its schema.
    #[cfg(test)]
    pub(super) fn prepared(&self) -> Vec<Vec<usize>> {
        let idle = self.idle.lock();
        let by_schema = idle.by_schema.values().filter(|idle| !idle.is_empty());
        by_schema
            .map(|idle| idle.iter().map(|one| one.prepared()).collect())
            .collect()
    }

    /// Closes all connections that nobody uses.
    pub(super) fn clear(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }
}
