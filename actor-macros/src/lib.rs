//! Macros of `actor-core`; see its documentation.

// The `#[actor]` macro reads a part of this that no macro of this crate reads yet.
#[allow(dead_code)]
mod migrations;
#[allow(dead_code)]
mod sqlite;
