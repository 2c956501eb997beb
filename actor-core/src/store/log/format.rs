//! [`Header`]: a batch as bytes. The table of them is in the [module's documentation](super).

use crc32fast::Hasher;

/// What everything in a segment is aligned to: a disk writes a sector as a whole.
pub(super) const ALIGN: u64 = SECTOR as u64;

/// The same for what is in memory.
pub(super) const SECTOR: usize = 512;

/// How long a header is.
pub(super) const HEADER: usize = 80;

/// How long the length in front of a record is.
pub(super) const RECORD_HEADER: usize = 8;

/// The newest format that this program knows, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

const MAGIC: [u8; 8] = *b"actorlog";
const CRC: std::ops::Range<usize> = 12..16;

/// What stands before the records of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Random for each use of a segment, so that neither an older use nor what a user stores can pass for a batch.
    pub(super) salt: u64,
    /// The salt of the segment that follows this one.
    pub(super) next_salt: u64,
    /// Counts the processes that wrote the log.
    pub(super) epoch: u64,
    /// Counts the batches, without a gap, over all processes.
    pub(super) seq: u64,
    /// The oldest batch that was not released when this was written.
    pub(super) needed: u64,
    /// All batches up to this one were synced when this was written.
    pub(super) synced: u64,
    /// How many bytes the records have, with their lengths.
    pub(super) payload: u64,
    /// How many records there are.
    pub(super) records: u32,
}

/// What is at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole batch.
    Batch(Header),
    /// Something in a format that this program does not know.
    Newer(u32),
    /// No batch.
    Nothing,
}

impl Header {
    /// Writes the header and the checksum in front of the records of a batch, which has room for them.
    pub(super) fn seal(&self, batch: &mut [u8]) {
        let mut fields = batch[..HEADER].chunks_exact_mut(8);
        let mut put = |bytes: [u8; 8]| {
            let field = fields.next().expect("a header has ten fields of 8 bytes");
            field.copy_from_slice(&bytes);
        };
        put(MAGIC);
        put(u64::from(FORMAT).to_le_bytes());
        put(self.salt.to_le_bytes());
        put(self.next_salt.to_le_bytes());
        put(self.epoch.to_le_bytes());
        put(self.seq.to_le_bytes());
        put(self.needed.to_le_bytes());
        put(self.synced.to_le_bytes());
        put(self.payload.to_le_bytes());
        put(u64::from(self.records).to_le_bytes());
        let crc = checksum(batch);
        batch[CRC].copy_from_slice(&crc.to_le_bytes());
    }

    /// Returns what the bytes begin with; they may go on behind it.
    pub(super) fn find(bytes: &[u8]) -> Found {
        let Some(header) = bytes.get(..HEADER) else {
            return Found::Nothing;
        };
        if header[..8] != MAGIC {
            return Found::Nothing;
        }
        let format = read_u32(header, 8);
        if format > FORMAT {
            return Found::Newer(format);
        }
        let found = Self {
            salt: read_u64(header, 16),
            next_salt: read_u64(header, 24),
            epoch: read_u64(header, 32),
            seq: read_u64(header, 40),
            needed: read_u64(header, 48),
            synced: read_u64(header, 56),
            payload: read_u64(header, 64),
            records: read_u32(header, 72),
        };
        let batch = usize::try_from(found.payload)
            .ok()
            .and_then(|payload| bytes.get(..payload.checked_add(HEADER)?));
        match batch {
            Some(batch) if found.fits(batch) => Found::Batch(found),
            _ => Found::Nothing,
        }
    }

    /// Returns the salt of what may be a batch, before its checksum is looked at.
    pub(super) fn salt_of(bytes: &[u8]) -> Option<u64> {
        let header = bytes.get(..HEADER)?;
        (header[..8] == MAGIC).then(|| read_u64(header, 16))
    }

    /// Returns how many bytes of a segment the batch takes.
    pub(super) fn space(&self) -> u64 {
        aligned(HEADER as u64 + self.payload)
    }

    fn fits(&self, batch: &[u8]) -> bool {
        read_u32(batch, 8) == FORMAT
            && read_u32(batch, CRC.start) == checksum(batch)
            && Records::new(batch).try_fold(0, |count, record| record.map(|_| count + 1))
                == Some(self.records)
            && self.needed <= self.seq
            && self.synced < self.seq
    }
}

/// The records of a batch, in order; `None` for bytes that are none.
#[derive(Debug)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    /// Takes a batch without what follows it.
    pub(super) fn new(batch: &'a [u8]) -> Self {
        let rest = &batch[HEADER..];
        Self { rest }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = split(self.rest);
        self.rest = record.map_or(&[], |(_, rest)| rest);
        Some(record.map(|(payload, _)| payload))
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_at_checked(RECORD_HEADER)?;
    rest.split_at_checked(usize::try_from(read_u64(len, 0)).ok()?)
}

/// Returns a length, rounded up to whole sectors.
pub(super) fn aligned(len: u64) -> u64 {
    len.next_multiple_of(ALIGN)
}

/// Returns the checksum of everything in a batch but the checksum.
fn checksum(batch: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&batch[..CRC.start]);
    hasher.update(&batch[CRC.end..]);
    hasher.finalize()
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes[at..at + 4].try_into().expect("4 bytes were cut out");
    u32::from_le_bytes(bytes)
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes[at..at + 8].try_into().expect("8 bytes were cut out");
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(records: &[&[u8]]) -> (Header, Vec<u8>) {
        let mut batch = vec![0; HEADER];
        for record in records {
            batch.extend((record.len() as u64).to_le_bytes());
            batch.extend(*record);
        }
        let header = Header {
            salt: 0x1111,
            next_salt: 0x2222,
            epoch: 3,
            seq: 44,
            needed: 40,
            synced: 43,
            payload: (batch.len() - HEADER) as u64,
            records: u32::try_from(records.len()).unwrap(),
        };
        header.seal(&mut batch);
        (header, batch)
    }

    #[test]
    fn a_batch_is_found_as_it_was_sealed() {
        let (header, mut batch) = sealed(&[b"one", b"", b"three"]);
        assert_eq!(header.space(), 512);
        batch.extend([7; 1_000]);
        assert_eq!(Header::find(&batch), Found::Batch(header));
        let batch = &batch[..HEADER + 8 + 3 + 8 + 8 + 5];
        let records: Vec<_> = Records::new(batch).map(Option::unwrap).collect();
        assert_eq!(records, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (_, batch) = sealed(&[b"one", b"two"]);
        for bit in 0..batch.len() * 8 {
            let mut flipped = batch.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let format = u32::from_le_bytes(flipped[8..12].try_into().unwrap());
            let expected = if format > FORMAT {
                Found::Newer(format)
            } else {
                Found::Nothing
            };
            assert_eq!(Header::find(&flipped), expected, "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let (_, batch) = sealed(&[b"one", b"two"]);
        for len in 0..batch.len() {
            assert_eq!(Header::find(&batch[..len]), Found::Nothing, "{len} bytes");
        }
    }

    #[test]
    fn records_that_do_not_add_up_are_no_batch() {
        let (mut header, mut batch) = sealed(&[b"one", b"two"]);
        header.records = 3;
        header.seal(&mut batch);
        assert_eq!(Header::find(&batch), Found::Nothing);
        header.records = 2;
        batch[HEADER] = 200;
        header.seal(&mut batch);
        assert_eq!(Header::find(&batch), Found::Nothing);
    }
}
