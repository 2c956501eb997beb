//! Nothing makes the state.

use actor_core::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Topic(String);

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<Topic>,
}

#[actor]
impl Room {}

fn main() {}
