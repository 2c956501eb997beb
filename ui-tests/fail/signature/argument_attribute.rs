//! The message would differ from the method.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, #[cfg(unix)] _body: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
