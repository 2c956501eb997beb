//! The images of the types of actors, as files beside the log: an actor that has no file yet is rebuilt from one after a crash.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, OpenHow};
use super::error::StoreError;
use super::migrations::hex;
use super::pages::Image;
use super::recovery::Images;

/// How the name of an image ends.
const SUFFIX: &str = ".image";

/// Reads the images in a directory, and adds the given ones to it.
pub(super) fn load(
    disk: &dyn Disk,
    directory: &Path,
    current: &[Arc<Image>],
) -> Result<Images, StoreError> {
    let mut images: Images = HashMap::new();
    let listed = disk.list(directory);
    for entry in listed.map_err(StoreError::io("list", directory))? {
        if !entry.name.ends_with(SUFFIX) {
            continue;
        }
        let path = directory.join(&entry.name);
        let image = read(disk, &path).map_err(StoreError::pages("read", &path))?;
        if name(&image) != entry.name {
            return Err(StoreError::Corrupt {
                path,
                message: "it is not what its name says".to_owned(),
            });
        }
        images.insert(*image.hash(), Arc::new(image));
    }
    for image in current {
        if !images.contains_key(image.hash()) {
            write(disk, directory, image)?;
            images.insert(*image.hash(), Arc::clone(image));
        }
    }
    Ok(images)
}

/// Removes the images that no type has any more. The log must have nothing that needs them.
pub(super) fn forget_others(
    disk: &dyn Disk,
    directory: &Path,
    images: &Images,
    current: &[Arc<Image>],
) -> Result<(), StoreError> {
    for image in images.values() {
        if current.iter().any(|current| current.hash() == image.hash()) {
            continue;
        }
        let path = directory.join(name(image));
        match disk.remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn name(image: &Image) -> String {
    format!("{}{SUFFIX}", hex(image.hash()))
}

fn read(disk: &dyn Disk, path: &Path) -> io::Result<Image> {
    let file = disk.open(path, OpenHow::Existing)?;
    let length = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    if file.read_at(&mut bytes, 0)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Image::new(Cow::Owned(bytes))
}

/// Writes an image under a name of its own, which it gets when it is on disk.
fn write(disk: &dyn Disk, directory: &Path, image: &Image) -> Result<(), StoreError> {
    let path: PathBuf = directory.join(name(image));
    let fresh = path.with_extension("new");
    let write = || {
        let file = disk.open(&fresh, OpenHow::Create)?;
        file.set_len(0)?;
        file.write_at(image.bytes(), 0)?;
        // DURABILITY: a name is only ever that of a whole image.
        file.sync_data()?;
        disk.rename(&fresh, &path)?;
        disk.sync_dir(directory)
    };
    write().map_err(StoreError::io("write", &path))
}
