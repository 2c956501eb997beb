//! Behind an alias only the compiler sees the stage.

use actor_core::prelude::*;

type Early<'a> = Context<'a, Room, Stateful>;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state]
    fn create(_cx: &mut Early<'_>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
