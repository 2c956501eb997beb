//! Only a running actor has this context.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_create]
    fn welcome(_cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
