//! The hooks and actions of an actor are in an `impl` block.

use actor_core::prelude::*;

#[actor]
fn room() {}

fn main() {}
