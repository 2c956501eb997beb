use actor_core::prelude::*;


use std::rc::Rc;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&mut self, _cx: &mut Context<'_, Self>) -> Result<Rc<u8>> {
        Ok(Rc::new(1))
    }
}

fn main() {}
