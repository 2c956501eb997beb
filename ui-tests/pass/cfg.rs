//! A `cfg` on a method goes to all that is made of it.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    count: State<u64>,
}

#[actor]
impl Room {
    #[cfg(any())]
    #[migrate("migrations/room")]
    fn migrate() {}

    #[cfg(any())]
    #[create_state]
    fn create(_cx: &mut Context<'_, Self, Migrated>, input: NotThere) -> Result<u64> {
        Ok(input.0)
    }

    #[cfg(all())]
    #[create_vars]
    fn vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }

    #[cfg(any())]
    #[on_wake]
    fn not_there(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[cfg(all())]
    #[on_wake]
    fn there(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[cfg(any())]
    #[on_state_change]
    fn changed(&mut self, _cx: &mut Context<'_, Self>, before: &NotThere) -> Result<()> {
        Ok(())
    }

    #[cfg(any())]
    #[on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, report: &NotThere) -> Result<()> {
        Ok(())
    }

    #[cfg(any())]
    #[action]
    fn gone(&self, _cx: &mut Context<'_, Self>, input: NotThere) -> Result<NotThere> {
        Ok(input)
    }

    #[cfg(all())]
    #[cfg(not(any()))]
    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u64> {
        Ok(*self.count)
    }
}

/// Without the struct there is nothing to write for the block.
#[actor]
#[cfg(any())]
impl NotThereEither {
    #[action]
    fn gone(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let _ = |room: &RoomHandle| drop(room.count());
    let _ = |system: &System| system.get_or_create::<Room>("lobby", ());
}
