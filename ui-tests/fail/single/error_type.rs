use actor_core::prelude::*;

#[derive(Debug)]
struct Closed;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&mut self, _cx: &mut Context<'_, Self>) -> std::result::Result<(), Closed> {
        Err(Closed)
    }
}

fn main() {}
