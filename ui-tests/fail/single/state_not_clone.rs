use actor_core::prelude::*;


#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Settings {
    topic: String,
}

#[derive(Actor)]
struct Room {
    #[state]
    settings: State<Settings>,
}

#[actor]
impl Room {}

fn main() {}
