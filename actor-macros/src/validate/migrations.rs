//! Rules for `#[migrate]` and `#[data_migration]`.

use crate::diagnostics::{Diagnostics, catalogue};
use crate::migrations::{self, MigrationSet};
use crate::model::{Block, Kind};

/// `#[migrate]` names a directory.
pub(super) fn check_directory(block: &Block, diagnostics: &mut Diagnostics) {
    for hook in block
        .hooks_of(Kind::Migrate)
        .filter(|hook| hook.options.directory.is_none())
    {
        diagnostics.at(&hook.attribute, catalogue::migrate::no_directory());
    }
}

/// A data migration follows a version of the block's `#[migrate]`.
pub(super) fn check_data_migrations(
    block: &Block,
    set: Option<&MigrationSet>,
    diagnostics: &mut Diagnostics,
) {
    let migrate = block.hooks_of(Kind::Migrate).next();
    for hook in block.hooks_of(Kind::DataMigration) {
        if migrate.is_none() {
            diagnostics.at(
                &hook.attribute,
                catalogue::migrate::data_without_migrate(&hook.name),
            );
        }
        let Some(version) = &hook.options.version else {
            diagnostics.at(
                &hook.attribute,
                catalogue::migrate::data_without_after(&hook.name),
            );
            continue;
        };
        let directory = migrate.and_then(|hook| hook.options.directory.as_ref());
        let (Some(set), Some(directory)) = (set, directory) else {
            continue;
        };
        if migrations::position(&set.migrations, &version.value()).is_some() {
            continue;
        }
        let help = migrations::suggest_version(&set.migrations, &version.value());
        let message = catalogue::migrate::unknown_version(version.value(), directory.value(), help);
        diagnostics.at(version, message);
    }
}
