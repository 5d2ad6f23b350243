//! Reads of the tail: whole batches, joined to frames that subscribers share.

use bytes::{Bytes, BytesMut};
use proto::{Cursor, Gap};

use super::Tail;

/// How many bytes one read returns at most, unless a single batch is longer.
pub(crate) const FRAME: usize = 64 << 10;

/// Cache of the last batches that were concatenated. Subscribers that one burst wakes read the same
/// bytes.
#[derive(Debug)]
pub(super) struct Joined {
    from: Cursor,
    to: Cursor,
    bytes: Bytes,
}

impl Tail {
    /// Reads whole batches, up to the size of one write, and moves the cursor past them; `None` at
    /// the end.
    pub(crate) fn read(&mut self, cursor: &mut Cursor) -> Result<Option<Bytes>, Gap> {
        let from = *cursor;
        let Some(first) = self.history.read(&mut { from }).map_err(|gap| {
            *cursor = self.history.oldest();
            if from.position() < self.lost { Gap::UNKNOWN } else { gap }
        })?
        else {
            return Ok(None);
        };
        let (bytes, count) = first.event.rest();
        *cursor = Cursor::at(from.position() + count as u64);
        if *cursor == self.history.end() {
            return Ok(Some(bytes.clone()));
        }
        if let Some(joined) = self.joined.as_ref().filter(|joined| joined.from == from) {
            *cursor = joined.to;
            return Ok(Some(joined.bytes.clone()));
        }
        let mut length = bytes.len();
        while let Some(next) = self.entry(*cursor) {
            let (bytes, count) = next.event.rest();
            if length + bytes.len() > FRAME {
                break;
            }
            length += bytes.len();
            *cursor = Cursor::at(cursor.position() + count as u64);
        }
        if length == bytes.len() {
            // Alone because of its size, and shared: a subscriber that does not read must not hold
            // a copy of it.
            return Ok(Some(bytes.clone()));
        }
        let mut joined = BytesMut::with_capacity(length);
        let mut next = from;
        while next < *cursor
            && let Some(entry) = self.entry(next)
        {
            let (bytes, count) = entry.event.rest();
            joined.extend_from_slice(bytes);
            next = Cursor::at(next.position() + count as u64);
        }
        let bytes = joined.freeze();
        self.joined = Some(Joined { from, to: *cursor, bytes: bytes.clone() });
        Ok(Some(bytes))
    }
}
