//! A state that cannot be saved is one error, at its type.

use actor_core::prelude::*;
#[derive(Default, Clone)]
struct Notes {
    names: Vec<String>,
}
#[derive(Actor)]
struct Room {
    #[state]
    notes: State<Notes>,
}
#[actor]
impl Room {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
        let _ = &self.notes.names;
        Ok(more)
    }
    #[action]
    async fn later(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let _ = cx.key();
        Ok(())
    }
}
fn main() {}
