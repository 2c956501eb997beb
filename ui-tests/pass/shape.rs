//! A state with a shape, generic and nested, and an actor whose state has the same version.

use actor_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize, StateShape)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    first_article: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Default, Serialize, Deserialize, StateShape)]
enum Step<T> {
    #[default]
    Begun,
    #[serde(rename = "paid")]
    Paid {
        by: T,
    },
}

#[derive(Clone, Default, Serialize, Deserialize, StateShape)]
#[state_shape(version = 2, name = "Cart-state")]
struct Saved {
    lines: Vec<Line>,
    step: Step<u8>,
}

#[derive(Actor)]
struct Cart {
    #[state(version = 2)]
    saved: State<Saved>,
}

#[actor]
impl Cart {
    #[migrate_state(from = 1)]
    fn lines(_old: u8) -> Result<Saved> {
        Ok(Saved::default())
    }
}

fn main() {}
