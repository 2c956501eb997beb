//! What happens before the first actor starts: the files are brought up to what the log has.
//!
//! Nothing here is lost when it is cut short: the log stays as it is until all files are synced, and replaying it again leads to
//! the same files.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::directory;
use super::disk::DiskFile;
use super::error::StoreError;
use super::log::{Lsn, Recovered};
use super::pages::{Image, Pages};
use super::record::{self, Event, ImageHash, Kind};
use super::volume::Volume;
use crate::observe::trace;

/// What the log leaves of one actor.
enum Outcome {
    /// It exists like this.
    Exists(Arc<Pages>),
    /// It was destroyed.
    Ended,
    /// Its file was taken away by somebody while the log still had changes for it.
    Gone,
    /// Its file cannot be read. That matters only if the actor was not destroyed later: then the file is already another's.
    Unreadable(StoreError),
}

/// The images that actors were created from, by their hash.
pub(super) type Images = HashMap<ImageHash, Arc<Image>>;

/// Brings the files up to what the log has, and returns how many actors that concerned.
pub(super) fn recover(
    volume: &Arc<Volume>,
    mut recovered: Recovered,
    images: &Images,
) -> Result<usize, StoreError> {
    let mut outcomes: HashMap<String, Outcome> = HashMap::new();
    let mut records = 0_u64;
    while let Some(payload) = recovered.next()? {
        let record = record::read(payload).map_err(|error| StoreError::Corrupt {
            path: volume.root().to_owned(),
            message: format!("the log has a record that cannot be read: {error}"),
        })?;
        records += 1;
        let path = volume.path(record.name);
        let outcome = match &record.event {
            Event::Ended => Outcome::Ended,
            Event::Changed { kind, .. } => {
                let mut outcome = match (kind, outcomes.remove(record.name)) {
                    (Kind::Creation(hash), _) => created(volume, record.name, hash, images)?,
                    (Kind::Changes, Some(outcome)) => outcome,
                    (Kind::Changes, None) => existing(volume, record.name)?,
                };
                if let Outcome::Exists(pages) = &outcome
                    && let Err(error) = pages.replay(&record, Lsn::NONE)
                {
                    outcome = Outcome::Unreadable(StoreError::pages("recover", &path)(error));
                }
                outcome
            }
        };
        outcomes.insert(record.name.to_owned(), outcome);
    }
    let count = outcomes.len();
    trace::recovered(records, count);
    let readable = outcomes.into_iter().map(|(name, outcome)| match outcome {
        // It is built anew from the files.
        Outcome::Gone | Outcome::Unreadable(StoreError::Corrupt { .. })
            if name == directory::NAME =>
        {
            volume.doubt_directory();
            Ok((name, Outcome::Gone))
        }
        Outcome::Unreadable(error) => Err(error),
        outcome => Ok((name, outcome)),
    });
    let outcomes = readable.collect::<Result<HashMap<_, _>, _>>()?;
    write_all(volume, &outcomes)?;
    volume.log().mark_recovered();
    Ok(count)
}

fn created(
    volume: &Arc<Volume>,
    name: &str,
    hash: &ImageHash,
    images: &Images,
) -> Result<Outcome, StoreError> {
    let Some(image) = images.get(hash) else {
        return Err(StoreError::Corrupt {
            path: volume.path(name),
            message: "the image that it was created from is missing".to_owned(),
        });
    };
    let pages = Pages::new(Arc::clone(volume), name, Arc::clone(image));
    Ok(Outcome::Exists(pages))
}

fn existing(volume: &Arc<Volume>, name: &str) -> Result<Outcome, StoreError> {
    let path = volume.path(name);
    match volume.open_file(name) {
        Ok(file) => {
            let opened = Pages::open(Arc::clone(volume), name, file);
            Ok(opened.map_or_else(
                |error| Outcome::Unreadable(StoreError::pages("recover", &path)(error)),
                Outcome::Exists,
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), "the file of an actor is gone, and what the log has for it is dropped");
            Ok(Outcome::Gone)
        }
        Err(error) => Err(StoreError::io("open", &path)(error)),
    }
}

/// Writes all files and syncs them, some at a time, because each is open meanwhile.
fn write_all(volume: &Volume, outcomes: &HashMap<String, Outcome>) -> Result<(), StoreError> {
    let outcomes: Vec<_> = outcomes.iter().collect();
    for some in outcomes.chunks(volume.handles.checkpoint_actors) {
        let mut files = Vec::new();
        let mut directories = BTreeSet::new();
        for (name, outcome) in some {
            let path = volume.path(name);
            files.extend(write(volume, name, outcome)?);
            directories.extend(path.parent().map(Path::to_owned));
        }
        let directories: Vec<_> = directories.into_iter().collect();
        // DURABILITY: the log may be begun anew only when all of it is in synced files.
        volume
            .disk()
            .sync_all(&files, &directories)
            .map_err(StoreError::io("sync", volume.root()))?;
    }
    Ok(())
}

/// Writes one file, or removes it.
fn write(
    volume: &Volume,
    name: &str,
    outcome: &Outcome,
) -> Result<Option<Arc<dyn DiskFile>>, StoreError> {
    let path = volume.path(name);
    match outcome {
        Outcome::Gone | Outcome::Unreadable(_) => Ok(None),
        Outcome::Ended => volume
            .remove_file(name)
            .map(|()| None)
            .map_err(StoreError::io("remove", &path)),
        Outcome::Exists(pages) => {
            let snapshot = pages.snapshot().map_err(StoreError::io("recover", &path))?;
            let taken = snapshot.expect("no commit is under way before the first actor starts");
            taken
                .snapshot
                .map(|mut snapshot| pages.write_back(&mut snapshot))
                .transpose()
                .map_err(StoreError::io("write", &path))
        }
    }
}
