//! A forgotten `#[actor]` is one error, however many hooks there are.

use actor_core::prelude::*;
#[derive(Actor)]
struct Room {
    #[state]
    seen: State<u64>,
}
impl Room {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
        *self.seen += more;
        Ok(*self.seen)
    }
    #[action]
    async fn later(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let _ = cx.key();
        Ok(())
    }
}
fn main() {}
