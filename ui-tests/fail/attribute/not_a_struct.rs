//! An actor is a type of the user's own.

use actor_core::prelude::*;

#[actor]
impl [u8] {}

fn main() {}
