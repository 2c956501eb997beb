//! A field of a locked state that was renamed.

use actor_core::StateShape;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize, StateShape)]
struct Renamed {
    lines: Vec<String>,
    total: String,
}

fn main() {}
