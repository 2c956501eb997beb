use actor_core::prelude::*;


use std::rc::Rc;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn mails(mail: Rc<u8>) {}
}

fn main() {}
