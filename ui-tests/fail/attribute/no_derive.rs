//! A forgotten derive is one error, whatever names the actor.

use actor_core::prelude::*;
struct Room {
    seen: u64,
}
#[actor]
impl Room {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
        self.seen += more;
        Ok(self.seen)
    }
    #[action]
    async fn later(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let _ = cx.key();
        Ok(())
    }
}
async fn outside(room: &RoomHandle) -> u64 {
    room.add(1).await.unwrap()
}
fn main() {}
