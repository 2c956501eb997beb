use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn destroy(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
