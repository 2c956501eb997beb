//! A task waits.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[run]
    fn prune(_background: Background<Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
