//! A hook behind an error cannot wait.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_error]
    async fn note(&mut self, _cx: &mut Context<'_, Self>, _report: &ErrorReport) -> Result<()> {
        Ok(())
    }
}

fn main() {}
