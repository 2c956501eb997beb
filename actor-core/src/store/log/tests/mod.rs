//! The log on a disk that fails on purpose.

mod corruption;
mod cuts;
mod faults;
mod fixture;
mod random;
mod space;
mod threads;
mod timing;
mod world;

pub(in crate::store::log) use world::{Book, Record};
