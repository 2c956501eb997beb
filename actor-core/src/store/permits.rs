//! [`Permits`]: how many threads do something at a time.

use parking_lot::{Condvar, Mutex};

/// Lets so many threads do something at a time; others wait.
pub(super) struct Permits {
    left: Mutex<usize>,
    given_back: Condvar,
}

/// Leave to do it.
pub(super) struct Permit<'p>(&'p Permits);

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self {
            left: Mutex::new(count),
            given_back: Condvar::new(),
        }
    }

    /// Waits until there are few enough others.
    pub(super) fn take(&self) -> Permit<'_> {
        let mut left = self.left.lock();
        while *left == 0 {
            self.given_back.wait(&mut left);
        }
        *left -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock() += 1;
        self.0.given_back.notify_one();
    }
}
