//! A hook behind a change cannot wait.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<String>,
}

#[actor]
impl Room {
    #[on_state_change]
    async fn changed(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
