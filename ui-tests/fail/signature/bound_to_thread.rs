use actor_core::prelude::*;


use std::rc::Rc;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn open(&mut self, _cx: &mut Context<'_, Self>, by: Rc<u8>) -> Result<usize> {
        Ok(usize::from(*by))
    }
}

fn main() {}
