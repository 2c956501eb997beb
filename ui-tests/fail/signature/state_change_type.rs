//! The state before the change is of the type that the field has.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<String>,
}

#[actor]
impl Room {
    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>, before: &u64) -> Result<()> {
        let _ = before;
        Ok(())
    }
}

fn main() {}
