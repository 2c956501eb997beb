//! Messages are kept on disk, so they can be saved.

use actor_core::prelude::*;

pub struct Photo(pub Vec<u8>);

#[derive(Actor)]
pub struct Room {}

#[actor]
impl Room {
    #[queue]
    fn photos(photo: Photo) {}
}

fn main() {}
