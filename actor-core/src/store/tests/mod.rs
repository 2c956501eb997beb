//! The store on a disk that fails and loses power where it is told to.

mod checkpoints;
mod faults;
mod fixtures;
mod isolation;
mod lab;
mod listing;
mod oracle;
mod paging;
mod power;
mod script;
mod sharing;
mod stress;
