//! Tokens to model. Nothing here returns early: what cannot be read is noted, and the rest is read all the same.

pub(crate) mod actor;
pub(crate) mod block;
pub(crate) mod groups;
mod hook_options;
pub(crate) mod options;
pub(crate) mod signature;
