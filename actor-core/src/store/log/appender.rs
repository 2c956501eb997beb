//! [`Appender`]: puts records into the buffer of the log.

use super::engine::Buffer;
use crate::store::log::Lsn;
use crate::store::log::format::RECORD_HEADER;

/// Puts records into the buffer, which nobody else has meanwhile.
pub(crate) struct Appender<'b, E>(pub(super) &'b mut Buffer<E>);

impl<E> Appender<'_, E> {
    /// Puts one record there. `write` adds its bytes, and returns whose it is.
    pub(crate) fn put(&mut self, write: impl FnOnce(Lsn, &mut Vec<u8>) -> E) -> Lsn {
        let buffer = &mut *self.0;
        // INVARIANT 1 of the engine
        let lsn = Lsn(buffer.last.0 + 1);
        let start = buffer.bytes.len();
        let unfinished = Unfinished {
            bytes: &mut buffer.bytes,
            start,
        };
        unfinished.bytes.extend_from_slice(&[0; RECORD_HEADER]);
        let entry = write(lsn, unfinished.bytes);
        std::mem::forget(unfinished);
        let payload = start + RECORD_HEADER;
        let len = buffer.bytes.len().checked_sub(payload);
        let len = len.expect("who writes a record only adds to the buffer") as u64;
        buffer.bytes[start..payload].copy_from_slice(&len.to_le_bytes());
        buffer.entries.push(entry);
        buffer.last = lsn;
        lsn
    }
}

/// Takes back what a closure has written that panicked.
struct Unfinished<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.start);
    }
}
