//! A mistake in a block hides nothing: the methods are there, the handle has its methods, and the rest is type-checked.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake(after = something)]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, _body: String) -> Result<usize> {
        Ok(7)
    }
}

async fn talk(system: System) -> std::result::Result<usize, CallError> {
    system.get_or_create::<Room>("lobby", ()).post("hello").await
}

fn main() {
    let _ = talk;
    let number: u32 = "the only other error in this file";
}
