//! A task has no context.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[run]
    async fn prune(_cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
