//! The version was raised, and that was all.

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
    #[action]
    fn name(&self, _cx: &mut Context<'_, Self>) -> Result<String> {
        Ok(self.settings.0.clone())
    }
}

fn main() {}
