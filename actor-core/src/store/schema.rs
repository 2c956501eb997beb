//! [`Schema`]: what tells whether two databases may share a connection.
//!
//! A connection keeps the schema that it has parsed and the statements that it has prepared, while the databases under it change.
//! That is sound for databases whose schemas are the same to the letter, with the same root pages, under the same schema cookie. So
//! the table `sqlite_schema` is read here as SQLite stores it, without a connection.

use std::io;

use sha2::{Digest, Sha256};

use super::pages::ReadAt;

/// What tells whether two databases may share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Schema {
    /// Equal for databases with the same tables, indexes, triggers and views at the same places: half of a SHA-256, which is more
    /// than enough for what one program has.
    fingerprint: [u8; 16],
    /// Whether it has virtual tables, which keep things in a connection that the next actor must not see.
    pub(super) has_virtual_tables: bool,
    /// The schema cookie.
    pub(super) cookie: u32,
}

/// How deep the table `sqlite_schema` may be: more than any file can need.
const DEPTH_MAX: usize = 20;

/// How many bytes the schema of one actor may have.
const BYTES_MAX: usize = 16 * 1024 * 1024;

impl Schema {
    /// Reads the schema of a database.
    pub(super) fn of(pages: &impl ReadAt) -> io::Result<Self> {
        let mut first = [0; super::pages::HEADER];
        if pages.read_at(0, &mut first)? < first.len() {
            return damaged("its header is missing");
        }
        let size = match u32::from(u16::from_be_bytes([first[16], first[17]])) {
            1 => 65_536,
            size => size as usize,
        };
        let usable = size - usize::from(first[20]);
        let mut hash = Sha256::new();
        // The page size and the reserved bytes, then the cookie, the formats, the largest root, the encoding and whether it vacuums.
        for range in [16..18, 20..21, 40..48, 52..60, 64..68] {
            hash.update(&first[range]);
        }
        let mut walk = Walk {
            pages,
            size,
            usable,
            hash,
            has_virtual_tables: false,
            bytes: 0,
        };
        walk.page(1, 0)?;
        let hash = walk.hash.finalize();
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&hash[..16]);
        Ok(Self {
            fingerprint,
            has_virtual_tables: walk.has_virtual_tables,
            cookie: u32::from_be_bytes([first[40], first[41], first[42], first[43]]),
        })
    }
}

/// A walk over the rows of `sqlite_schema`.
struct Walk<'p, P> {
    pages: &'p P,
    size: usize,
    usable: usize,
    hash: Sha256,
    has_virtual_tables: bool,
    bytes: usize,
}

impl<P: ReadAt> Walk<'_, P> {
    fn read(&mut self, number: u32) -> io::Result<Vec<u8>> {
        self.bytes += self.size;
        if number == 0 || self.bytes > BYTES_MAX {
            return damaged("its schema is damaged");
        }
        let mut page = vec![0; self.size];
        let offset = u64::from(number - 1) * self.size as u64;
        if self.pages.read_at(offset, &mut page)? < self.size {
            return damaged("a page of its schema is missing");
        }
        Ok(page)
    }

    /// Walks a page of the b-tree and what lies under it.
    fn page(&mut self, number: u32, depth: usize) -> io::Result<()> {
        if depth > DEPTH_MAX {
            return damaged("its schema is damaged");
        }
        let page = self.read(number)?;
        let header = if number == 1 { super::pages::HEADER } else { 0 };
        let cells = usize::from(be16(&page, header + 3)?);
        match page[header] {
            LEAF => {
                for index in 0..cells {
                    let cell = usize::from(be16(&page, header + 8 + 2 * index)?);
                    self.row(&page, cell)?;
                }
                Ok(())
            }
            INTERIOR => {
                for index in 0..cells {
                    let cell = usize::from(be16(&page, header + 12 + 2 * index)?);
                    self.page(be32(&page, cell)?, depth + 1)?;
                }
                self.page(be32(&page, header + 8)?, depth + 1)
            }
            _ => damaged("its schema is damaged"),
        }
    }

    /// Takes one row into the hash.
    fn row(&mut self, page: &[u8], cell: usize) -> io::Result<()> {
        let mut at = cell;
        let length = usize::try_from(varint(page, &mut at)?).map_err(io::Error::other)?;
        let _rowid = varint(page, &mut at)?;
        if length > BYTES_MAX {
            return damaged("its schema is damaged");
        }
        let payload = self.payload(page, at, length)?;
        self.hash.update((payload.len() as u64).to_le_bytes());
        self.hash.update(&payload);
        // `sql` is the last column, as it was written but for white space at its ends.
        let sql = String::from_utf8_lossy(&payload).to_ascii_uppercase();
        self.has_virtual_tables |= sql.contains("CREATE VIRTUAL TABLE");
        Ok(())
    }

    /// Puts the payload of a row together, of which a long one continues in pages of its own.
    fn payload(&mut self, page: &[u8], at: usize, length: usize) -> io::Result<Vec<u8>> {
        let most = self.usable - 35;
        let local = if length <= most {
            length
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let fitting = least + (length - least) % (self.usable - 4);
            if fitting <= most { fitting } else { least }
        };
        let mut payload = slice(page, at, local)?.to_vec();
        if local == length {
            return Ok(payload);
        }
        let mut next = be32(page, at + local)?;
        while payload.len() < length {
            let overflow = self.read(next)?;
            let more = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(slice(&overflow, 4, more)?);
            next = be32(&overflow, 0)?;
        }
        Ok(payload)
    }
}

const LEAF: u8 = 13;
const INTERIOR: u8 = 5;

fn damaged<T>(what: &'static str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

fn slice(page: &[u8], at: usize, length: usize) -> io::Result<&[u8]> {
    match page.get(at..at.saturating_add(length)) {
        Some(slice) => Ok(slice),
        None => damaged("its schema is damaged"),
    }
}

fn be16(page: &[u8], at: usize) -> io::Result<u16> {
    let bytes = slice(page, at, 2)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn be32(page: &[u8], at: usize) -> io::Result<u32> {
    let bytes = slice(page, at, 4)?;
    Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// Reads a number of SQLite's, of up to nine bytes.
fn varint(page: &[u8], at: &mut usize) -> io::Result<u64> {
    let mut value = 0_u64;
    for index in 0..9 {
        let byte = slice(page, *at, 1)?[0];
        *at += 1;
        if index == 8 {
            return Ok(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(value)
}
