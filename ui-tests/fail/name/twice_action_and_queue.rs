use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn post(body: String) {}

    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, body: String) -> Result<usize> {
        Ok(body.len())
    }
}

fn main() {}
