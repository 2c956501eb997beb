use actor_core::prelude::*;


#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    fn open(&self) {}

    #[action]
    fn open(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
