//! A context's timers call its own actor.

use actor_core::prelude::*;
use std::time::Duration;

#[derive(Actor)]
struct Room {}

#[derive(Actor)]
struct Guest {}

#[actor]
impl Guest {
    #[action]
    fn greet(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[actor]
impl Room {
    #[action]
    fn plan(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let guest = cx.system().get::<Guest>("ann");
        cx.after(Duration::from_secs(1), guest.greet())?;
        Ok(())
    }
}

fn main() {}
