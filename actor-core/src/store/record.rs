//! What the log keeps of one commit: the bytes that changed, and of which pages.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | the kind: 1 changes, 2 changes to the image of a type (a creation), 3 the end of an actor |
//! | 2 | how long the name is |
//! | n | the name: the file below the data directory, in UTF-8 |
//! | 32 | kind 2: the hash of the image |
//! | 4 | kinds 1 and 2: the size of a page |
//! | 4 | kinds 1 and 2: how many pages the database has after it |
//! | 4 | kinds 1 and 2: how many pages of what was there before are kept; those beyond were zeros before they changed |
//! | … | kinds 1 and 2: pages, each with its number (4), how many ranges (2), and the ranges: offset (2), length less one (2), bytes |
//!
//! Numbers are little-endian. A record is whole or not there: the log has checked its length and its sum.

use std::fmt;
use std::ops::Range;

/// The hash of a type's image.
pub(super) type ImageHash = [u8; 32];

/// What kind of change a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The pages of an actor that exists changed.
    Changes,
    /// An actor begins with this image.
    Creation(ImageHash),
}

/// How large a database is after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The bytes of a page.
    pub(super) page_size: u32,
    /// How many pages there are.
    pub(super) count: u32,
    /// How many pages of what was there before are kept.
    pub(super) kept: u32,
}

/// Runs of bytes that are equal and shorter than this do not part two ranges: the head of a range is not shorter.
const GAP: usize = 8;

/// Writes the head of a record about changed pages.
pub(super) fn write_changes(out: &mut Vec<u8>, name: &str, kind: Kind, extent: Extent) {
    match kind {
        Kind::Changes => write_name(out, CHANGES, name),
        Kind::Creation(hash) => {
            write_name(out, CREATION, name);
            out.extend_from_slice(&hash);
        }
    }
    for number in [extent.page_size, extent.count, extent.kept] {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// Writes the record of an actor's end.
pub(super) fn write_end(out: &mut Vec<u8>, name: &str) {
    write_name(out, END, name);
}

/// Adds what changed in one page; nothing if nothing did.
pub(super) fn write_page(out: &mut Vec<u8>, number: u32, before: &[u8], after: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    let mut ranges: u16 = 0;
    for range in Changes::new(before, after) {
        let offset = u16::try_from(range.start).expect("a page has at most 65,536 bytes");
        let last = u16::try_from(range.len() - 1).expect("a range is not longer than a page");
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&last.to_le_bytes());
        out.extend_from_slice(&after[range]);
        ranges += 1;
    }
    if ranges == 0 {
        out.truncate(start);
    } else {
        out[start + 4..start + 6].copy_from_slice(&ranges.to_le_bytes());
    }
}

const CHANGES: u8 = 1;
const CREATION: u8 = 2;
const END: u8 = 3;

fn write_name(out: &mut Vec<u8>, kind: u8, name: &str) {
    out.push(kind);
    let length = u16::try_from(name.len()).expect("names of files are short");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(name.as_bytes());
}

/// The ranges in which two pages differ.
struct Changes<'p> {
    before: &'p [u8],
    after: &'p [u8],
    at: usize,
}

impl<'p> Changes<'p> {
    fn new(before: &'p [u8], after: &'p [u8]) -> Self {
        debug_assert_eq!(before.len(), after.len(), "pages of one database");
        Self {
            before,
            after,
            at: 0,
        }
    }

    /// Returns the first place from `at` on where the pages differ.
    fn difference(&self, mut at: usize) -> Option<usize> {
        const WORD: usize = 32;
        while at + WORD <= self.after.len()
            && self.before[at..at + WORD] == self.after[at..at + WORD]
        {
            at += WORD;
        }
        (at..self.after.len()).find(|&index| self.before[index] != self.after[index])
    }
}

impl Iterator for Changes<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.difference(self.at)?;
        let mut end = start + 1;
        let mut index = end;
        while index < self.after.len() && index < end + GAP {
            if self.before[index] != self.after[index] {
                end = index + 1;
            }
            index += 1;
        }
        self.at = end;
        Some(start..end)
    }
}

/// One record of the log, as it is read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'r> {
    /// The file below the data directory.
    pub(super) name: &'r str,
    /// What happened.
    pub(super) event: Event<'r>,
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'r> {
    /// Pages changed.
    Changed {
        /// Whether the actor begins here.
        kind: Kind,
        /// The size afterwards.
        extent: Extent,
        /// The changed ranges, page by page.
        pages: Vec<PageChange<'r>>,
    },
    /// The actor ended.
    Ended,
}

/// What changed in one page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageChange<'r> {
    /// The page, from 1 on.
    pub(super) number: u32,
    /// Offsets, and what is there now.
    pub(super) ranges: Vec<(usize, &'r [u8])>,
}

/// A record that its sum says is what was written, and that is not what this program writes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(&'static str);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a record.
pub(super) fn read(bytes: &[u8]) -> Result<Record<'_>, Unreadable> {
    let mut rest = Rest(bytes);
    let kind = rest.array::<1>()?[0];
    let length = usize::from(u16::from_le_bytes(rest.array()?));
    let name = std::str::from_utf8(rest.take(length)?).map_err(|_| Unreadable("a bad name"))?;
    let kind = match kind {
        CHANGES => Kind::Changes,
        CREATION => Kind::Creation(rest.array()?),
        END => {
            return Ok(Record {
                name,
                event: Event::Ended,
            });
        }
        _ => return Err(Unreadable("an unknown kind")),
    };
    let extent = Extent {
        page_size: rest.number()?,
        count: rest.number()?,
        kept: rest.number()?,
    };
    if !extent.page_size.is_power_of_two() || !(512..=65_536).contains(&extent.page_size) {
        return Err(Unreadable("a bad page size"));
    }
    let mut pages = Vec::new();
    while !rest.0.is_empty() {
        pages.push(read_page(&mut rest, extent)?);
    }
    Ok(Record {
        name,
        event: Event::Changed {
            kind,
            extent,
            pages,
        },
    })
}

fn read_page<'r>(rest: &mut Rest<'r>, extent: Extent) -> Result<PageChange<'r>, Unreadable> {
    let number = rest.number()?;
    if number == 0 || number > extent.count {
        return Err(Unreadable("a page that does not exist"));
    }
    let mut ranges = Vec::new();
    for _ in 0..u16::from_le_bytes(rest.array()?) {
        let offset = usize::from(u16::from_le_bytes(rest.array()?));
        let length = usize::from(u16::from_le_bytes(rest.array()?)) + 1;
        if offset + length > extent.page_size as usize {
            return Err(Unreadable("a range beyond its page"));
        }
        ranges.push((offset, rest.take(length)?));
    }
    Ok(PageChange { number, ranges })
}

/// What is left to read.
struct Rest<'r>(&'r [u8]);

impl<'r> Rest<'r> {
    fn take(&mut self, length: usize) -> Result<&'r [u8], Unreadable> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Unreadable("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as long as asked for"))
    }

    fn number(&mut self) -> Result<u32, Unreadable> {
        Ok(u32::from_le_bytes(self.array()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent {
        page_size: 512,
        count: 3,
        kept: 2,
    };

    #[test]
    fn what_is_written_is_read() {
        let before = [7_u8; 512];
        let mut after = before;
        after[0] = 1;
        after[5] = 2;
        after[100..164].fill(3);
        after[511] = 4;
        let mut bytes = Vec::new();
        write_changes(&mut bytes, "room/k_a.db", Kind::Creation([9; 32]), EXTENT);
        write_page(&mut bytes, 1, &before, &before);
        write_page(&mut bytes, 3, &before, &after);
        let record = read(&bytes).unwrap();
        assert_eq!(record.name, "room/k_a.db");
        let Event::Changed {
            kind,
            extent,
            pages,
        } = record.event
        else {
            panic!("pages changed");
        };
        assert_eq!((kind, extent), (Kind::Creation([9; 32]), EXTENT));
        assert_eq!(pages.len(), 1, "an equal page is left out");
        let ranges: Vec<_> = pages[0]
            .ranges
            .iter()
            .map(|(at, b)| (*at, b.len()))
            .collect();
        assert_eq!(ranges, [(0, 6), (100, 64), (511, 1)]);
        let mut page = before;
        for (at, bytes) in &pages[0].ranges {
            page[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        assert_eq!(page, after);
    }

    #[test]
    fn a_whole_page_of_the_largest_size_fits() {
        let (before, after) = (vec![0_u8; 65_536], vec![1_u8; 65_536]);
        let extent = Extent {
            page_size: 65_536,
            count: 1,
            kept: 0,
        };
        let mut bytes = Vec::new();
        write_changes(&mut bytes, "a", Kind::Changes, extent);
        write_page(&mut bytes, 1, &before, &after);
        let Event::Changed { pages, .. } = read(&bytes).unwrap().event else {
            panic!("pages changed");
        };
        assert_eq!(pages[0].ranges, [(0, after.as_slice())]);
    }

    #[test]
    fn every_shortened_record_is_refused() {
        let mut bytes = Vec::new();
        write_changes(&mut bytes, "room/k_a.db", Kind::Changes, EXTENT);
        let head = bytes.len();
        write_page(&mut bytes, 2, &[0; 512], &[1; 512]);
        for length in (0..bytes.len()).filter(|length| *length != head) {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        let mut end = Vec::new();
        write_end(&mut end, "room/k_a.db");
        assert_eq!(read(&end).unwrap().event, Event::Ended);
        bytes[0] = 77;
        assert_eq!(read(&bytes), Err(Unreadable("an unknown kind")));
    }

    #[test]
    fn a_page_that_does_not_exist_is_refused() {
        for number in [0, 4] {
            let mut bytes = Vec::new();
            write_changes(&mut bytes, "a", Kind::Changes, EXTENT);
            write_page(&mut bytes, number, &[0; 512], &[1; 512]);
            assert_eq!(read(&bytes), Err(Unreadable("a page that does not exist")));
        }
    }
}
