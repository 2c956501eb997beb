//! Every mistake is reported in one run.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wkae]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[create_state(before = migrate)]
    fn create(_cx: &mut Context<'_, Self, Migrated>) -> Result<()> {
        Ok(())
    }

    #[action(timeout = "soon")]
    fn post(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
