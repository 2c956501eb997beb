//! The state after the change is in `self`.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<String>,
}

#[actor]
impl Room {
    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>, _before: &String, _after: &String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
