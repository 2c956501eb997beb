//! The primitives with which threads meet in a [`Mailbox`](super::mailbox::Mailbox). The model check compiles it a second time with
//! those of `shuttle` in their place.

pub(super) use parking_lot::{Mutex, MutexGuard};
