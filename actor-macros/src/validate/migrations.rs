//! Rules for `#[migrate]` and `#[data_migration]`.

use crate::diagnostics::{Diagnostics, catalogue};
use crate::migrations::{self, MigrationSet};
use crate::model::{Block, Kind};
use crate::suggest;

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
        let wanted = migrations::version(&version.value());
        if set
            .migrations
            .iter()
            .any(|migration| migration.version == wanted)
        {
            continue;
        }
        // The directories are what the user sees, so their spelling of the versions is suggested.
        let prefixes = set
            .migrations
            .iter()
            .map(|migration| migration.name.split('_').next().unwrap_or_default());
        let versions: Vec<&str> = prefixes.collect();
        let help = suggest::did_you_mean(
            &version.value(),
            &versions,
            format!("the versions are {}", suggest::list(&versions)),
        );
        let message = catalogue::migrate::unknown_version(version.value(), directory.value(), help);
        diagnostics.at(version, message);
    }
}
