//! `create_state` makes the state.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    count: State<u64>,
}

#[actor]
impl Room {
    #[create_state]
    fn create(_cx: &mut Context<'_, Self, Migrated>) -> Result<String> {
        Ok(String::new())
    }
}

fn main() {}
