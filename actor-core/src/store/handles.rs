//! [`Handles`]: how many files a store has open, out of what the process may have.
//!
//! The budget is made once, at the start: the limit of the process may be 64, and everything else in it needs handles too.

use crate::error::SystemError;
use crate::limits;

/// How many files a store has open at most, beside a few that are always open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handles {
    /// Files of actors that stay open until others need the place.
    pub(super) open_files: usize,
    /// Files that one part of a checkpoint or of a recovery has open until it has synced them.
    pub(super) checkpoint_actors: usize,
    /// Files that are written at the same time because their actors fall asleep.
    pub(super) writers: usize,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            open_files: limits::OPEN_FILES,
            checkpoint_actors: limits::CHECKPOINT_ACTORS,
            writers: limits::CHECKPOINT_ACTORS,
        }
    }
}

impl Handles {
    /// Returns what this process can spare: half of what it does not use yet.
    pub(super) fn of_process() -> Result<Self, SystemError> {
        match (limit(), used()) {
            (Some(limit), Some(used)) => Self::of(limit, used),
            _ => Ok(Self::default()),
        }
    }

    /// Divides what a process can spare that may have `limit` files open and has `used` of them.
    fn of(limit: usize, used: usize) -> Result<Self, SystemError> {
        let free = limit.saturating_sub(used);
        if free < limits::HANDLES_LEAST {
            return Err(SystemError::TooFewHandles {
                limit,
                used,
                needed: limits::HANDLES_LEAST,
            });
        }
        let ours = (free / 2).max(limits::HANDLES_LEAST) - limits::HANDLES_FIXED;
        Ok(Self {
            open_files: (ours / 2).min(limits::OPEN_FILES),
            checkpoint_actors: (ours / 4).min(limits::CHECKPOINT_ACTORS),
            writers: (ours / 4).min(limits::CHECKPOINT_ACTORS),
        })
    }
}

/// Returns how many files this process may have open, if there is a limit and it is known.
#[cfg(target_os = "linux")]
fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.and_then(|limit| usize::try_from(limit).ok())
}

/// Returns how many files this process has open, if it is known.
#[cfg(target_os = "linux")]
fn used() -> Option<usize> {
    let listed = std::fs::read_dir("/proc/self/fd").ok()?;
    // The listing itself has one.
    Some(listed.count().saturating_sub(1))
}

#[cfg(not(target_os = "linux"))]
fn limit() -> Option<usize> {
    None
}

#[cfg(not(target_os = "linux"))]
fn used() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::Handles;
    use crate::limits;

    #[test]
    fn the_budget_is_never_more_than_what_is_free_and_grows_to_what_is_useful() {
        for limit in [64, 128, 256, 1_024, 4_096, 1 << 20] {
            for used in [3, 12, 30] {
                let handles = Handles::of(limit, used).unwrap();
                let all = handles.open_files + handles.checkpoint_actors + handles.writers;
                assert!(
                    all + limits::HANDLES_FIXED <= limit - used,
                    "{limit}, {used}"
                );
                assert!(handles.checkpoint_actors > 0 && handles.writers > 0);
                assert!(handles.open_files > 0);
            }
        }
        assert_eq!(Handles::of(1 << 20, 10).unwrap(), Handles::default());
    }

    #[test]
    fn too_few_are_refused() {
        let error = Handles::of(64, 64 - limits::HANDLES_LEAST + 1).unwrap_err();
        assert_eq!((error.group(), error.code()), ("system", "too_few_handles"));
        assert!(Handles::of(64, 64 - limits::HANDLES_LEAST).is_ok());
        assert!(Handles::of(10, 20).is_err());
    }
}
