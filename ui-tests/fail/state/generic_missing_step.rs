//! A generic actor, whose bounds the compiler takes for granted.

use actor_core::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings<T>(T);

#[derive(Actor)]
struct Room<T: Clone + Default + Send + Serialize + DeserializeOwned + 'static> {
    #[state(version = 3)]
    settings: State<Settings<T>>,
}

#[actor]
impl<T: Clone + Default + Send + Serialize + DeserializeOwned + 'static> Room<T> {
    #[migrate_state(from = 2)]
    fn wrap(old: T) -> Result<Settings<T>> {
        Ok(Settings(old))
    }

    #[migrate_state(from = 3)]
    fn too_far(old: Settings<T>) -> Result<Settings<T>> {
        Ok(old)
    }
}

fn main() {}
