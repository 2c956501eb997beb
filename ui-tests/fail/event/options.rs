//! Options that an event does not have, or not like this.

use actor_core::Event;

#[derive(Clone, Event)]
#[event(off(Lobby), of = "Lobby", name = 7)]
struct Joined;

fn main() {}
