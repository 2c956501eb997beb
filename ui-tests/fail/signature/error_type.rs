//! What failed is told in a report.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, error: &CallError) -> Result<()> {
        let _ = error;
        Ok(())
    }
}

fn main() {}
