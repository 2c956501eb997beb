//! The same actor with each framework.

mod actix;
mod floor;
mod kameo;
mod ours;
mod ractor;
mod xtra;

pub(crate) use actix::Actix;
pub(crate) use floor::Floor;
pub(crate) use kameo::Kameo;
pub(crate) use ours::{Ours, OursAsync};
pub(crate) use ractor::Ractor;
pub(crate) use xtra::Xtra;
