//! Where this thread is: whether it runs in the runtime of a system, so that it may run an actor in place.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};

use tokio::runtime::{Handle, Id};
use tokio::task;

use crate::ids::Number;

/// How many tasks of a thread are remembered, so that the usual ask does not look at the runtime itself.
const REMEMBERED: usize = 64;

thread_local! {
    /// The tasks that this thread polled, with their runtimes. The ids of tasks are not used again.
    static TASKS: RefCell<[Option<(task::Id, Id)>; REMEMBERED]> = const { RefCell::new([None; REMEMBERED]) };
}

/// Returns whether this thread runs in a runtime.
pub(super) fn is_in(runtime: Id) -> bool {
    let Some(task) = task::try_id() else {
        return current() == Some(runtime);
    };
    // Tasks that are made one after the other have different places.
    let mut number = Number::default();
    task.hash(&mut number);
    let index = usize::try_from(number.finish() % REMEMBERED as u64).unwrap_or(0);
    TASKS.with_borrow_mut(|tasks| match tasks[index] {
        Some((known, at)) if known == task => at == runtime,
        _ => {
            let Some(at) = current() else { return false };
            tasks[index] = Some((task, at));
            at == runtime
        }
    })
}

fn current() -> Option<Id> {
    Handle::try_current().ok().map(|handle| handle.id())
}
