//! A step from nothing.

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
    fn rename() -> Result<Settings> {
        Ok(Settings(String::new()))
    }
}

fn main() {}
