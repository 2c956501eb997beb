//! The old state cannot be read.

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
    fn rename(old: std::thread::Thread) -> Result<Settings> {
        Ok(Settings(format!("{old:?}")))
    }
}

fn main() {}
