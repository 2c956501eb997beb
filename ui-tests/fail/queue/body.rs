//! A queue only holds messages.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn pictures(picture: String) {
        println!("{picture}");
    }
}

fn main() {}
