use actor_core::prelude::*;


#[derive(Actor)]
struct Room {}

#[actor]
impl Room {}

impl Room {
    #[action]
    fn open(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
