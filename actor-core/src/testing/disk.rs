//! [`Disk`]: the disk of a lab, and what goes wrong with it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::limits;
use crate::store::{Class, DiskPlace, Fault, LOG_DIRECTORY, PowerCut, SimDisk, Standing};

/// The disk of a [`Lab`](super::Lab), or a part of it. It is in memory, keeps apart what was synced and what was only written, and
/// fails when it is told to. Clones are the same disk, also behind a power cut.
///
/// What fails does so until [`heal`](Disk::heal). It ends with a power cut and with a kill, too.
///
/// # Examples
///
/// ```
/// use actor_core::prelude::*;
/// use actor_core::testing::Lab;
/// # #[derive(Actor)]
/// # struct Counter {
/// #     #[state]
/// #     count: State<u64>,
/// # }
/// # #[actor]
/// # impl Counter {
/// #     #[action]
/// #     fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
/// #         *self.count += more;
/// #         Ok(*self.count)
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// let lab = Lab::builder().register::<Counter>().start().await?;
/// let visits = lab.get_or_create::<Counter>("visits", ());
/// assert_eq!(visits.add(1).await?, 1);
///
/// lab.disk().fill_up();
/// assert_eq!(visits.add(1).await.unwrap_err().code(), "lost");
///
/// // What was refused is undone, and the actor goes on when the disk does.
/// lab.disk().heal();
/// assert_eq!(visits.add(1).await?, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Disk {
    disk: Arc<Mutex<SimDisk>>,
    part: Part,
}

/// A part of a disk.
#[derive(Clone, Copy, Debug)]
enum Part {
    Everything,
    Log,
    Files,
}

/// What becomes of that which was written and not synced when the power goes.
///
/// The seed decides; the same one leads to the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsynced {
    /// It is gone.
    Lost,
    /// All of it is there.
    Kept,
    /// Any part of it is there: some writes are and some are not, in no order.
    Some {
        /// Decides which.
        seed: u64,
    },
    /// Any part of it is there, and of a write any of its sectors of 512 bytes.
    Torn {
        /// Decides which.
        seed: u64,
    },
}

impl Disk {
    pub(super) fn new(disk: SimDisk) -> Self {
        Self {
            disk: Arc::new(Mutex::new(disk)),
            part: Part::Everything,
        }
    }

    /// Returns the log of this disk, which all actors share: what a reply waits for is there.
    #[must_use]
    pub fn log(&self) -> Self {
        self.part(Part::Log)
    }

    /// Returns everything but the log: the actors' files, which are written when an actor falls asleep, and at checkpoints.
    #[must_use]
    pub fn files(&self) -> Self {
        self.part(Part::Files)
    }

    fn part(&self, part: Part) -> Self {
        Self {
            disk: Arc::clone(&self.disk),
            part,
        }
    }

    /// Lets every write fail with `ENOSPC`, as if the disk were full.
    pub fn fill_up(&self) {
        self.fail(Class::Write, Fault::Enospc);
    }

    /// Lets every write fail with `EIO`, and leaves the bytes as they were.
    pub fn fail_writes(&self) {
        self.fail(Class::Write, Fault::Eio);
    }

    /// Lets every read fail with `EIO`.
    pub fn fail_reads(&self) {
        self.fail(Class::Read, Fault::Eio);
    }

    /// Lets every sync fail with `EIO`. What was to be synced is on the disk or not, as the seed of the lab says; a later sync that
    /// works does not change that, as on Linux.
    pub fn fail_syncs(&self) {
        self.fail(Class::Sync, Fault::Eio);
    }

    /// Lets everything work again, on the whole disk.
    pub fn heal(&self) {
        self.disk.lock().heal();
    }

    /// Returns how many writes and syncs there were since the system began, after the last power cut or kill.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk.lock().operations()
    }

    /// Lets the power go at the n-th write or sync, counted like [`operations`](Disk::operations): that one and all behind it fail.
    /// The system learns of nothing but failures until [`Lab::power_cut`](super::Lab::power_cut). A test that does so for every n
    /// shows that there is no bad moment.
    pub fn cut_power_at(&self, operation: u64) {
        self.disk.lock().crash_at(operation);
    }

    /// Returns whether the power is gone.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.disk.lock().is_off()
    }

    fn fail(&self, class: Class, fault: Fault) {
        let log = || PathBuf::from(limits::ROOT).join(LOG_DIRECTORY);
        let place = match self.part {
            Part::Everything => DiskPlace::Everywhere,
            Part::Log => DiskPlace::In(log()),
            Part::Files => DiskPlace::NotIn(log()),
        };
        self.disk.lock().fail_all(Standing {
            class,
            place,
            fault,
        });
    }

    pub(super) fn get(&self) -> SimDisk {
        self.disk.lock().clone()
    }

    /// Lets the power go, and puts what is left in its place.
    pub(super) fn cut_power(&self, unsynced: Unsynced) {
        let mut disk = self.disk.lock();
        disk.turn_off();
        let (cut, seed) = match unsynced {
            Unsynced::Lost => (PowerCut::Nothing, 0),
            Unsynced::Kept => (PowerCut::Everything, 0),
            Unsynced::Some { seed } => (PowerCut::Some, seed),
            Unsynced::Torn { seed } => (PowerCut::Scattered, seed),
        };
        let left = disk.after_power_cut(cut, seed);
        *disk = left;
    }

    /// Takes the disk away from whoever has it, with everything that was written.
    pub(super) fn kill(&self) {
        let mut disk = self.disk.lock();
        disk.turn_off();
        let left = disk.after_kill();
        *disk = left;
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("part", &self.part)
            .field("operations", &self.operations())
            .finish_non_exhaustive()
    }
}
