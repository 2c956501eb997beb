//! [`Inner`]: what is on a [`SimDisk`](super::SimDisk), and what happens to each operation.

use std::io;
use std::path::Path;

use crate::store::disk::fault::{Class, Standing, eio, enospc};
use crate::store::disk::view::{Effect, Node, View};
use crate::store::disk::{Fault, Seeded};

/// What is on a disk, and what goes wrong with it.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) visible: View,
    pub(super) durable: View,
    pub(super) pending: Vec<Effect>,
    pub(super) operations: u64,
    pub(super) reads: u64,
    pub(super) failed_syncs: u64,
    /// The files that were opened.
    pub(super) opened: std::collections::BTreeSet<std::path::PathBuf>,
    pub(super) power_off_at: Option<u64>,
    pub(super) off: bool,
    pub(super) faults: Vec<(std::ops::Range<u64>, Fault)>,
    /// What fails until it is healed, whatever its number.
    pub(super) standing: Vec<Standing>,
    pub(super) failing_reads: std::ops::Range<u64>,
    pub(super) random: Seeded,
    pub(super) next_file: u64,
}

/// What happens to an operation.
enum Verdict {
    Works,
    Fails(Fault),
    /// It was under way when the power went off: the effect may be on the disk.
    LosesPower,
    /// The power was off before.
    IsOff,
}

impl Inner {
    /// Counts an operation, and says what happens to it.
    fn begin(&mut self, path: &Path, class: Class) -> Verdict {
        let number = self.operations;
        self.operations += 1;
        if self.off {
            return Verdict::IsOff;
        }
        if self.power_off_at.is_some_and(|at| number >= at) {
            self.off = true;
            return Verdict::LosesPower;
        }
        let fault = self
            .faults
            .iter()
            .find(|(range, _)| range.contains(&number));
        let fault = fault.map(|(_, fault)| *fault);
        let fault = fault.or_else(|| self.standing(path, class));
        fault.map_or(Verdict::Works, Verdict::Fails)
    }

    /// Returns what fails of this class in this place.
    pub(super) fn standing(&self, path: &Path, class: Class) -> Option<Fault> {
        let standing = self.standing.iter();
        let mut hit = standing.filter(|this| this.class == class && this.place.has(path));
        hit.next_back().map(|this| this.fault)
    }

    pub(super) fn change(&mut self, path: &Path, effect: Effect) -> io::Result<()> {
        match self.begin(path, Class::Write) {
            Verdict::Works => {
                self.visible.apply(&effect);
                self.pending.push(effect);
                Ok(())
            }
            Verdict::IsOff | Verdict::Fails(Fault::Eio) => Err(eio()),
            Verdict::LosesPower => {
                self.pending.push(effect);
                Err(eio())
            }
            Verdict::Fails(Fault::Short) => self.write_short(effect),
            Verdict::Fails(Fault::Late) => {
                self.visible.apply(&effect);
                self.pending.push(effect);
                Err(eio())
            }
            Verdict::Fails(Fault::Enospc) => Err(enospc()),
        }
    }

    fn write_short(&mut self, effect: Effect) -> io::Result<()> {
        let Effect::Write {
            file,
            offset,
            mut bytes,
        } = effect
        else {
            return Err(eio());
        };
        let kept = self.random.below(bytes.len().max(1) as u64);
        bytes.truncate(usize::try_from(kept).expect("below a length"));
        let effect = Effect::Write {
            file,
            offset,
            bytes,
        };
        self.visible.apply(&effect);
        self.pending.push(effect);
        Err(enospc())
    }

    pub(super) fn sync(&mut self, path: &Path, covers: impl Fn(&Effect) -> bool) -> io::Result<()> {
        let verdict = self.begin(path, Class::Sync);
        if matches!(verdict, Verdict::IsOff | Verdict::LosesPower) {
            return Err(eio());
        }
        if !matches!(verdict, Verdict::Works) {
            self.failed_syncs += 1;
        }
        for effect in std::mem::take(&mut self.pending) {
            match verdict {
                _ if !covers(&effect) => self.pending.push(effect),
                Verdict::Works => self.durable.apply(&effect),
                _ if self.random.coin() => self.durable.apply(&effect),
                _ if effect.is_of_name() => self.pending.push(effect),
                _ => {}
            }
        }
        match verdict {
            Verdict::Works => Ok(()),
            Verdict::Fails(Fault::Enospc) => Err(enospc()),
            _ => Err(eio()),
        }
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<u64> {
        match self.visible.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn check_on(&self) -> io::Result<()> {
        if self.off { Err(eio()) } else { Ok(()) }
    }

    pub(super) fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        if !path
            .parent()
            .is_none_or(|parent| self.visible.is_dir(parent))
        {
            return Err(io::ErrorKind::NotFound.into());
        }
        let added = path.to_owned();
        self.change(path, Effect::Add { path: added, node })
    }
}
