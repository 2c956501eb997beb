//! What lies under the dirty pages: the image of a type, or the actor's own file.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::store::disk::DiskFile;
use crate::store::record::{Extent, ImageHash};

/// The finished database of a type of actor, as the bytes of its file.
pub(crate) struct Image {
    bytes: Cow<'static, [u8]>,
    hash: ImageHash,
    extent: Extent,
}

/// Where a page is that is not dirty.
pub(in crate::store) enum Base {
    /// Shared by all actors that have not changed it.
    Image(Arc<Image>),
    /// The actor's own file.
    File,
}

impl Image {
    /// Makes an image of the bytes of a database.
    pub(in crate::store) fn new(bytes: Cow<'static, [u8]>) -> io::Result<Self> {
        let extent = extent(&bytes, bytes.len() as u64)?;
        let hash = Sha256::digest(&bytes).into();
        Ok(Self {
            bytes,
            hash,
            extent,
        })
    }

    pub(in crate::store) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(in crate::store) fn hash(&self) -> &ImageHash {
        &self.hash
    }

    pub(in crate::store) fn extent(&self) -> Extent {
        self.extent
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Bytes that can be read at a place.
pub(in crate::store) trait ReadAt {
    /// Reads from `offset` on, and returns how much there was.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for Image {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// How the file of every database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long the header of a database is.
pub(in crate::store) const HEADER: usize = 100;

/// Reads how large the database in a file is.
pub(super) fn read_extent(file: &dyn DiskFile) -> io::Result<Extent> {
    let mut header = [0; HEADER];
    let done = file.read_at(&mut header, 0)?;
    extent(&header[..done], file.len()?)
}

/// Reads how large a database of so many bytes is from its header.
fn extent(header: &[u8], length: u64) -> io::Result<Extent> {
    let damaged = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    if header.len() < HEADER || header[..16] != *MAGIC {
        return damaged("it is not a SQLite database");
    }
    let page_size = match u32::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    if !page_size.is_power_of_two() || page_size < 512 {
        return damaged("its header has a bad page size");
    }
    let Ok(count) = u32::try_from(length / u64::from(page_size)) else {
        return damaged("it has more pages than SQLite can have");
    };
    Ok(Extent {
        page_size,
        count,
        kept: count,
    })
}

/// Where the header has the two counters that other readers of a file go by. They are the file's own: the log has nothing of
/// them, and a running actor's are those of the connection that it is mounted under.
const COUNTERS: [Range<usize>; 2] = [24..28, 92..96];

/// Returns the counters of a first page.
pub(super) fn header_counters(page: &[u8]) -> [[u8; 4]; 2] {
    COUNTERS.map(|range| page[range].try_into().expect("four bytes"))
}

/// Puts counters into a first page.
pub(super) fn set_header_counters(page: &mut [u8], counters: [[u8; 4]; 2]) {
    for (range, counter) in COUNTERS.into_iter().zip(counters) {
        page[range].copy_from_slice(&counter);
    }
}

/// Moves the counters of a first page on, so that those who have read the file before read it again.
pub(super) fn advance_header_counters(page: &mut [u8], last: u32) {
    let next = last.wrapping_add(1).to_be_bytes();
    set_header_counters(page, [next, next]);
}

/// Says whether a database has a log of SQLite's own, which our connections do not read.
pub(in crate::store) fn has_own_log(header: &[u8]) -> bool {
    header.len() > 19 && header[18..20] != [1, 1]
}
