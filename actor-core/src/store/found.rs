//! Where the database of an actor is before it is open.

use std::io::ErrorKind;
use std::sync::Arc;

use super::disk::OpenHow;
use super::error::StoreError;
use super::layout::Paths;
use super::pages::{self, Pages};
use super::plain;
use super::volume::Volume;

/// Finds the pages of an actor, in memory or in its file; `None` if there are none.
pub(super) fn find(paths: &Paths, volume: &Arc<Volume>) -> Result<Option<Arc<Pages>>, StoreError> {
    let (path, name) = (paths.database(), paths.name());
    if let Some(pages) = volume.rescue(&name) {
        return Ok(Some(pages));
    }
    if volume.is_orphan(&name) {
        volume
            .remove_file(&name)
            .map_err(StoreError::io("remove", &path))?;
        return Ok(None);
    }
    let disk = volume.disk();
    let open = || match disk.open(&path, OpenHow::Existing) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("open", &path)(error)),
    };
    let Some(mut file) = open()? else {
        return Ok(None);
    };
    let mut header = [0; pages::HEADER];
    let length = file
        .read_at(&mut header, 0)
        .map_err(StoreError::io("read", &path))?;
    if length == 0 {
        return Ok(None);
    }
    let mut own_log = pages::has_own_log(&header[..length]);
    for companion in paths.companions() {
        let found = disk.len(&companion);
        own_log |= found
            .map_err(StoreError::io("look at", &companion))?
            .is_some();
    }
    if own_log {
        drop(file);
        plain::settle(&path)?;
        file = match open()? {
            Some(file) => file,
            None => return Ok(None),
        };
    }
    Pages::open(Arc::clone(volume), &name, file)
        .map(Some)
        .map_err(StoreError::pages("open", &path))
}

/// Deletes all files under a name that do not count: the rest of what an older version began.
pub(super) fn remove_litter(paths: &Paths, volume: &Volume) -> Result<(), StoreError> {
    let mut removed = false;
    let companions = paths.companions();
    for path in [paths.database()].iter().chain(&companions) {
        match volume.disk().remove_file(path) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", path)(error)),
        }
    }
    if removed {
        // DURABILITY: what was removed must not come back beside the new file.
        let directory = paths.directory();
        let synced = volume.disk().sync_dir(directory);
        synced.map_err(StoreError::io("sync", directory))?;
    }
    Ok(())
}
