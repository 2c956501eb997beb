//! An actor without hooks, actions and fields; and one with empty braces.

use actor_core::prelude::*;

#[derive(Actor)]
struct Nothing;

#[actor]
impl Nothing {}

#[derive(Actor)]
#[actor(sleep_after = "never")]
struct Empty {}

#[actor]
impl Empty {}

fn main() {
    let _ = System::builder().register::<Nothing>().register::<Empty>();
}
