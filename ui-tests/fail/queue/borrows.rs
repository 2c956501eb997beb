//! Messages are kept on disk, so they are owned.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn texts(text: &str) {}

    #[queue]
    fn replies(number: u64) -> &'static str {}
}

fn main() {}
