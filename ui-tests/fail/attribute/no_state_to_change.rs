//! Without a state nothing changes.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[vars]
    readers: u64,
}

#[actor]
impl Room {
    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
