//! A task runs beside the actor.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[run]
    async fn prune(&self, _background: Background<Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
