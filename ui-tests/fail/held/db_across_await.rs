//! The connection is lent until the next `.await`.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    async fn post(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let db = cx.db();
        tokio::task::yield_now().await;
        drop(db);
        Ok(())
    }
}

fn main() {}
