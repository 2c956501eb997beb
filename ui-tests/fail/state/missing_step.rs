//! Nothing leads from version 2 to version 3.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Old(String);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings(String);

#[derive(Actor)]
struct Room {
    #[state(version = 4)]
    settings: State<Settings>,
}

#[actor]
impl Room {
    #[migrate_state(from = 1)]
    fn rename(old: Old) -> Result<Old> {
        Ok(Old(old.0))
    }

    #[migrate_state(from = 3)]
    fn shorten(old: Old) -> Result<Settings> {
        Ok(Settings(old.0))
    }
}

fn main() {}
