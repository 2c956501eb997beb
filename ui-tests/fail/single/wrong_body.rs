use actor_core::prelude::*;


#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<usize> {
        Ok("three")
    }
}

fn main() {}
