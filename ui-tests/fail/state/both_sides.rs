//! Mistakes on both sides, and none that only follow.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Old(String);

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings(String);

#[derive(Actor)]
struct Room {
    #[state(version = "2")]
    settings: State<Settings>,
}

#[actor]
impl Room {
    #[migrate_state(from = 7)]
    fn rename(old: Old) -> Result<Settings> {
        Ok(Settings(old.0))
    }

    #[migrate_state(from = 8)]
    async fn shorten(old: Old) -> Result<Settings> {
        Ok(Settings(old.0))
    }
}

fn main() {}
