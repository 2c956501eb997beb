//! The version of the shape is that of the state.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize, StateShape)]
#[state_shape(version = 2)]
struct Items {
    items: Vec<String>,
}

#[derive(Actor)]
struct Cart {
    #[state]
    items: State<Items>,
}

#[actor]
impl Cart {}

fn main() {}
