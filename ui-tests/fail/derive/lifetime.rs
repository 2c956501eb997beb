//! An actor lives longer than its callers.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room<'a> {
    #[vars]
    name: &'a str,
}

fn main() {}
