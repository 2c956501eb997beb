//! A hook of which there is one has no order.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<String>,
}

#[actor]
impl Room {
    #[on_state_change(after = audit)]
    fn changed(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
