//! The version on the field was not raised.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Old(String);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings(String);

#[derive(Actor)]
struct Room {
    #[state]
    settings: State<Settings>,
}

#[actor]
impl Room {
    #[migrate_state(from = 1)]
    fn rename(old: Old) -> Result<Settings> {
        Ok(Settings(old.0))
    }
}

fn main() {}
