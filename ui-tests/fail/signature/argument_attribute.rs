//! The message would differ from the method.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, cx: &mut Context<'_, Self>, #[cfg(unix)] body: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
