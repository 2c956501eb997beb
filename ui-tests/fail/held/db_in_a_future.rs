//! What only the compiler sees is in its own words.

use actor_core::prelude::*;

async fn keep(db: &mut actor_core::Db) {
    tokio::task::yield_now().await;
    drop(db);
}

#[derive(Actor)]
struct Room { #[state] open: State<bool> }

#[actor]
impl Room {
    #[action]
    async fn post(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        keep(cx.db()).await;
        Ok(())
    }
}

fn main() {}
