//! What each version of a directory left: the tables that a `#[data_migration]` sees.

use super::{Migration, Schema, run, schema, version};
use crate::sqlite::SqlError;
use crate::suggest;

/// Returns the schema after each migration, oldest first.
pub(crate) fn history(migrations: &[Migration]) -> Result<Vec<Schema>, SqlError> {
    let connection = run::open(run::CLOCK_FIRST_MS)?;
    let mut left = Vec::with_capacity(migrations.len());
    for (index, migration) in migrations.iter().enumerate() {
        run::apply_tolerantly(&connection, migration);
        left.push(schema::read(&connection, &migrations[..=index])?);
    }
    Ok(left)
}

/// Returns the schema after the version that is written as `written`; `None` if no migration has
/// it.
pub(crate) fn at(migrations: &[Migration], written: &str) -> Result<Option<Schema>, SqlError> {
    let Some(index) = position(migrations, written) else {
        return Ok(None);
    };
    Ok(history(&migrations[..=index])?.pop())
}

/// Finds the migration of the version that is written as `written`.
pub(crate) fn position(migrations: &[Migration], written: &str) -> Option<usize> {
    let wanted = version(written);
    migrations
        .iter()
        .position(|migration| migration.version == wanted)
}

/// Suggests the version that was meant, or lists them all, in the spelling of their directories.
pub(crate) fn suggest_version(migrations: &[Migration], written: &str) -> String {
    let versions: Vec<&str> = migrations
        .iter()
        .map(|migration| migration.name.split('_').next().unwrap_or_default())
        .collect();
    let all = format!("the versions are {}", suggest::list(&versions));
    suggest::did_you_mean(written, &versions, all)
}
