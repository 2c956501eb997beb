//! What `state_shape` says.

use actor_core::StateShape;

#[derive(StateShape)]
#[state_shape(versoin = 2)]
struct Unknown {}

#[derive(StateShape)]
#[state_shape(version = 0)]
struct Zero {}

#[derive(StateShape)]
#[state_shape(name = "../x")]
struct Path {}

#[derive(StateShape)]
union Neither {
    a: u8,
}

fn main() {}
