//! Pages that are written, cut off, undone, lost and brought to their file at random, held against a list of what was committed.
//!
//! SQLite itself cuts a database off at the end of a `VACUUM` only. The pages do not know that, and must be right whatever the order.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::lab::{ACTOR, Lab, Nobody, ROOT, options, template};
use crate::store::disk::{Fault, PowerCut, Seeded, SimDisk};
use crate::store::log::{Lsn, Options};
use crate::store::pages::{Image, Pages, Snapshot};
use crate::store::{Durability, Gatekeeper, Template};

/// More than any database here has.
const PAGES_MAX: u64 = 20;

const STEPS: usize = 150;

/// What a database has, page by page.
type Content = Vec<Page>;

/// One page, which is not printed in full.
#[derive(Clone, PartialEq, Eq)]
struct Page(Vec<u8>);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", crc32fast::hash(&self.0))
    }
}

/// One actor's pages, and what they ought to have.
struct Player<'t> {
    random: Seeded,
    template: &'t Arc<Template>,
    disk: SimDisk,
    lab: Lab,
    pages: Arc<Pages>,
    keeper: Arc<dyn Gatekeeper>,
    page_size: usize,
    /// What was committed, oldest first; the first is the image, before the actor was created.
    versions: Vec<(Lsn, Content)>,
    /// What the unit has made of the last of them.
    current: Content,
    /// What is about to go to the file, and the version that it is; whether it is written.
    held: Option<(Snapshot, Content, Option<Lsn>)>,
}

impl<'t> Player<'t> {
    fn new(seed: u64, template: &'t Arc<Template>) -> Self {
        let (disk, mut random) = (SimDisk::new(seed), Seeded::new(seed));
        let lab = open(&disk, template, random.next());
        let image = Arc::clone(template.image());
        let page_size = image.extent().page_size as usize;
        let content = pages_of(image.bytes(), page_size);
        Self {
            random,
            template,
            pages: begin(&lab, image),
            disk,
            lab,
            keeper: Arc::new(Nobody),
            page_size,
            versions: vec![(Lsn::NONE, content.clone())],
            current: content,
            held: None,
        }
    }

    fn step(&mut self) {
        match self.random.below(32) {
            0..10 => self.write(),
            10..13 => self.truncate(),
            13..18 => self.commit(),
            18..20 => self.roll_back(),
            20..24 => self.flush(),
            24 => self.lose(),
            25..28 => self.hold(),
            28..30 => self.put_down(),
            30 => self.checkpoint(),
            _ => match self.random.below(3) {
                0 => self.crash(),
                _ => self.close(),
            },
        }
        assert_eq!(self.read(), self.current);
    }

    /// Reads all pages.
    fn read(&self) -> Content {
        let mut bytes = vec![0; usize::try_from(self.pages.size()).unwrap()];
        assert_eq!(self.pages.read(0, &mut bytes).unwrap(), bytes.len());
        pages_of(&bytes, self.page_size)
    }

    /// Changes some bytes of a page, or writes one that is there already, was there once, or comes after the last.
    fn write(&mut self) {
        // The first page says what the file is.
        let number = 2 + self
            .random
            .below(PAGES_MAX.min(self.current.len() as u64 + 2));
        let index = usize::try_from(number).unwrap() - 1;
        let mut page = match self.random.below(4) {
            0 => self.zeros(),
            1 => {
                let version = &self.versions[self.random.index(self.versions.len())].1;
                let known = version.get(index).cloned();
                known.unwrap_or_else(|| self.zeros())
            }
            _ => {
                let known = self.current.get(index).cloned();
                known.unwrap_or_else(|| self.zeros())
            }
        };
        for _ in 0..self.random.below(4) {
            let at = self.random.index(self.page_size);
            page.0[at] = u8::try_from(self.random.below(256)).unwrap();
        }
        let offset = (number - 1) * self.page_size as u64;
        self.pages.write(offset, &page.0).unwrap();
        if self.current.len() <= index {
            self.current.resize(index + 1, self.zeros());
        }
        self.current[index] = page;
    }

    fn zeros(&self) -> Page {
        Page(vec![0; self.page_size])
    }

    fn truncate(&mut self) {
        let count = 1 + self.random.index(self.current.len());
        self.pages
            .truncate((count * self.page_size) as u64)
            .unwrap();
        self.current.truncate(count);
    }

    fn commit(&mut self) {
        // As SQLite does it, the first page says how many there are; and a creation writes its mark.
        let count = u32::try_from(self.current.len()).unwrap();
        let mut first = self.current[0].clone();
        first.0[28..32].copy_from_slice(&count.to_be_bytes());
        first.0[68] = 1;
        if first != self.current[0] {
            self.pages.write(0, &first.0).unwrap();
            self.current[0] = first;
        }
        let durability = if self.random.coin() {
            Durability::Synced
        } else {
            Durability::Process
        };
        match self.pages.commit(durability, &self.keeper).unwrap() {
            Some(ticket) => {
                let version = (ticket.written, self.current.clone());
                self.versions.push(version);
            }
            None => assert_eq!(self.current, self.latest()),
        }
    }

    fn roll_back(&mut self) {
        self.pages.rollback();
        self.current = self.latest();
    }

    fn latest(&self) -> Content {
        self.versions.last().expect("the image is there").1.clone()
    }

    /// Writes what the log has room for.
    fn flush(&mut self) {
        while self.lab.volume.log().flush_once() {}
    }

    /// Has the log lose what is not written.
    fn lose(&mut self) {
        self.disk.fail_at(self.disk.operations(), Fault::Eio, 1);
        let written = self.lab.volume.log().written();
        if self.versions.last().is_some_and(|last| last.0 > written) {
            self.lab.volume.log().flush_once();
        }
        self.disk.heal();
        if self.pages.so_far().is_err() {
            self.pages.start_again();
            self.versions.retain(|version| version.0 <= written);
            self.current = self.latest();
        }
    }

    /// Takes what is to go to the file.
    fn hold(&mut self) {
        if self.held.is_some() {
            return;
        }
        let taken = self
            .pages
            .snapshot()
            .unwrap()
            .expect("no commit is under way");
        let written = self.lab.volume.log().written();
        let on_disk = self.versions.iter().rfind(|version| version.0 <= written);
        let content = on_disk.expect("the image is there").1.clone();
        let Some(snapshot) = taken.snapshot else {
            return;
        };
        // Only what is written is taken, so this waits for no room.
        self.lab.volume.log().sync_to(taken.needs).unwrap();
        self.held = Some((snapshot, content, taken.listed));
    }

    /// Writes what is held to the file, or fails to.
    fn put_down(&mut self) {
        let Some((mut snapshot, content, listed)) = self.held.take() else {
            return;
        };
        if self.random.below(4) == 0 {
            self.pages.relist(listed);
            return;
        }
        let file = self.pages.write_back(&mut snapshot).unwrap();
        assert_eq!(self.file(), content);
        for _ in 0..self.random.below(3) {
            match self.random.below(4) {
                0 => self.write(),
                1 => self.truncate(),
                2 => self.commit(),
                _ => self.roll_back(),
            }
        }
        self.pages.written(&snapshot, file);
    }

    /// Returns what the file has.
    fn file(&self) -> Content {
        let path = Path::new(ROOT).join(self.pages.name());
        pages_of(&self.disk.get(&path).unwrap(), self.page_size)
    }

    fn checkpoint(&mut self) {
        if self.held.is_none() {
            let written = self.lab.volume.log().written();
            self.lab.volume.checkpoint(written).unwrap();
        }
    }

    /// Puts the actor to sleep, and wakes it.
    fn close(&mut self) {
        self.roll_back();
        if self.held.is_some() || self.versions.len() == 1 {
            return;
        }
        self.lab.volume.sync_to(self.pages.last_kept()).unwrap();
        let taken = self
            .pages
            .snapshot()
            .unwrap()
            .expect("no commit is under way");
        if let Some(mut snapshot) = taken.snapshot {
            let file = self.pages.write_back(&mut snapshot).unwrap();
            self.pages.written(&snapshot, file);
        }
        assert!(self.pages.is_clean());
        assert_eq!(self.file(), self.current);
        self.wake();
    }

    /// Opens the pages of the file.
    fn wake(&mut self) {
        let name = self.pages.name().to_owned();
        let file = self.lab.volume.open_file(&name).unwrap();
        self.pages = Pages::open(Arc::clone(&self.lab.volume), &name, file).unwrap();
    }

    /// Kills the process or cuts the power, and starts again.
    fn crash(&mut self) {
        let log = self.lab.volume.log();
        let (written, durable) = (log.written(), log.durable());
        let cut = PowerCut::ALL.get(self.random.index(PowerCut::ALL.len() + 1));
        self.disk = match cut {
            Some(cut) => self.disk.after_power_cut(*cut, self.random.next()),
            None => self.disk.after_kill(),
        };
        let certain = cut.map_or(written, |_| durable);
        self.held = None;
        self.lab = open(&self.disk, self.template, self.random.next());
        // What was appended in that moment may be in the log as well.
        let path = Path::new(ROOT).join(self.pages.name());
        let found = self
            .disk
            .get(&path)
            .map(|bytes| pages_of(&bytes, self.page_size));
        let possible = self.versions.iter().filter(|version| version.0 >= certain);
        let last = self.versions.iter().rfind(|version| version.0 <= certain);
        if let Some(found) = found {
            let mut possible = last.into_iter().chain(possible).map(|version| &version.1);
            assert!(possible.any(|content| *content == found), "{cut:?}");
            self.versions = vec![
                (Lsn::NONE, self.versions.swap_remove(0).1),
                (Lsn::NONE, found),
            ];
            self.wake();
        } else {
            assert!(
                last.expect("the image is there").0 == Lsn::NONE && !self.exists(),
                "{cut:?}"
            );
            self.versions.truncate(1);
            self.pages = begin(&self.lab, Arc::clone(self.template.image()));
        }
        self.current = self.latest();
    }

    /// Returns whether a commit that created the actor is on disk for certain.
    fn exists(&self) -> bool {
        self.versions
            .get(1)
            .is_some_and(|first| first.0 == Lsn::NONE)
    }
}

fn open(disk: &SimDisk, template: &Arc<Template>, salt: u64) -> Lab {
    let options = Options {
        segment_bytes: 32 << 10,
        // No two processes draw the same salts.
        seed: Some(salt),
        ..options()
    };
    Lab::without_directory(Arc::new(disk.clone()), Path::new(ROOT), template, &options).unwrap()
}

fn begin(lab: &Lab, image: Arc<Image>) -> Arc<Pages> {
    Pages::new(Arc::clone(&lab.volume), &format!("{ACTOR}/k_a.db"), image)
}

/// Parts a database into its pages, without the counters of the first, which are the file's own.
fn pages_of(bytes: &[u8], page_size: usize) -> Content {
    let pages = bytes.chunks(page_size).map(|page| Page(page.to_vec()));
    let mut pages: Content = pages.collect();
    for counter in [24..28, 92..96] {
        pages[0].0[counter].fill(0);
    }
    pages
}

#[test]
fn pages_are_right_whatever_is_cut_undone_lost_and_written_when() {
    let seed = std::env::var("SEED").map_or(1, |text| text.parse().unwrap());
    let programs =
        std::env::var("DURABLE_ACTORS_PROGRAMS").map_or(1_000, |text| text.parse().unwrap());
    let template = template();
    for seed in seed..seed + programs {
        eprintln!("SEED={seed}");
        let mut player = Player::new(seed, &template);
        for _ in 0..STEPS {
            player.step();
        }
    }
}
