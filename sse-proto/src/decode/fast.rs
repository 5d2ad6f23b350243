//! The fast path: an event that lies whole in the chunk, as nearly all do, from its first line to its blank line.
//!
//! It takes ASCII values, one `data` line as the last, and one `event` and one `id` before it. At anything else it gives up,
//! and the plain path reads the block. It writes nothing to memory and calls nothing but the search for the end of
//! a value, and that is what makes it fast.

use super::block::Place;
use super::event::Completed;
use super::scan::{self, starts_with};

/// An event, whole in the chunk. All of it is ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<'c> {
    pub(super) data: &'c [u8],
    /// Empty if there is no type.
    pub(super) event: &'c [u8],
    pub(super) id: Option<&'c [u8]>,
    /// What follows the blank line.
    pub(super) rest: &'c [u8],
}

impl Whole<'_> {
    /// The same in indices into `chunk`, in which it lies.
    pub(super) fn places(&self, chunk: &[u8]) -> Completed {
        let place = |value: &[u8]| {
            let start = value.as_ptr() as usize - chunk.as_ptr() as usize;
            Place::Chunk(start, start + value.len())
        };
        let event = if self.event.is_empty() { Place::Buffer } else { place(self.event) };
        Completed::Event { event, data: place(self.data) }
    }
}

/// Reads the event at the start of `rest`; `None` if it is not as simple as that.
#[inline]
pub(super) fn event(mut rest: &[u8]) -> Option<Whole<'_>> {
    let mut event = &[][..];
    let mut id = None;
    loop {
        let head = u64::from_le_bytes(*rest.first_chunk()?);
        if starts_with(head, b"data: ") {
            let (data, rest) = value(&rest[6..])?;
            return Some(Whole { data, event, id, rest: line_end(rest)? });
        } else if starts_with(head, b"event: ") && event.is_empty() {
            (event, rest) = value(&rest[7..])?;
        } else if starts_with(head, b"id: ") && id.is_none() {
            let (value, after) = value(&rest[4..])?;
            if value.contains(&0) {
                return None;
            }
            (id, rest) = (Some(value), after);
        } else {
            return None;
        }
    }
}

/// The ASCII value at the start of `bytes`, and what follows its line end.
#[inline(always)]
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, ascii) = scan::piece(bytes);
    let (value, rest) = bytes.split_at_checked(len)?;
    if ascii { Some((value, line_end(rest)?)) } else { None }
}

/// What follows the line end at the start of `bytes`.
#[inline]
fn line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] | [b'\r', rest @ ..] => Some(rest),
        _ => None,
    }
}
