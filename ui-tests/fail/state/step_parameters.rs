//! A step sees the old state alone.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Old(String);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings(String);

#[derive(Actor)]
struct Room {
    #[state(version = 2)]
    settings: State<Settings>,
}

#[actor]
impl Room {
    #[migrate_state(from = 1)]
    fn rename(old: Old, cx: &mut Context<'_, Self, Migrating>) -> Result<Settings> {
        let _ = cx;
        Ok(Settings(old.0))
    }
}

fn main() {}
