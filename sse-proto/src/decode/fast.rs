//! The fast path: an event that lies whole in the chunk, as nearly all do, from its first line to its blank line.
//!
//! It takes one `data` line as the last, and one `event` and one `id` before it. At anything else it gives up,
//! and the plain path reads the block. It writes nothing to memory and calls little but the search for the end of
//! a value, and that is what makes it fast.

use memchr::memchr;

use super::block::Place;
use super::event::Completed;
use super::scan::{self, starts_with};
use super::text::is_utf8;

/// What there is at the start of a block.
pub(super) enum Found<'c> {
    Whole(Whole<'c>),
    /// Several lines of data, or a chunk that ends within the first.
    Start(Start<'c>),
    /// It takes the plain path to tell.
    Other,
}

/// An event, whole in the chunk. All of it is valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole<'c> {
    pub(super) data: &'c [u8],
    /// Empty if there is no type.
    pub(super) event: &'c [u8],
    pub(super) id: Option<&'c [u8]>,
    /// What follows the blank line.
    pub(super) rest: &'c [u8],
}

/// The start of an event that takes the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start<'c> {
    /// Valid UTF-8; empty if there is no type.
    pub(super) event: &'c [u8],
    /// Valid UTF-8.
    pub(super) id: Option<&'c [u8]>,
    /// What there is of the first line of data.
    pub(super) data: &'c [u8],
    /// It is known to be ASCII.
    pub(super) ascii: bool,
    /// What follows: nothing, or the end of the line.
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

/// The data of a block that starts with it, up to the end of its line, as a rule, or to the first byte that is no printable
/// ASCII; and what follows.
#[inline(always)]
pub(super) fn data(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = u64::from_le_bytes(*rest.first_chunk()?);
    let bytes = &rest[6..];
    if starts_with(head, b"data: ") { bytes.split_at_checked(scan::find(bytes)) } else { None }
}

/// Reads the block at the start of `rest`; `seen` is the length of its [`data`], if that was asked for.
#[inline(always)]
pub(super) fn event(rest: &[u8], seen: Option<usize>) -> Found<'_> {
    read(rest, seen).unwrap_or(Found::Other)
}

#[inline(always)]
fn read(mut rest: &[u8], seen: Option<usize>) -> Option<Found<'_>> {
    let mut event = &[][..];
    let mut id = None;
    let mut head = u64::from_le_bytes(*rest.first_chunk()?);
    while !starts_with(head, b"data: ") {
        if starts_with(head, b"event: ") && event.is_empty() {
            (event, rest) = value(&rest[7..])?;
        } else if starts_with(head, b"id: ") && id.is_none() {
            let (value, after) = value(&rest[4..])?;
            if memchr(0, value).is_some() {
                return None;
            }
            (id, rest) = (Some(value), after);
        } else {
            return None;
        }
        head = u64::from_le_bytes(*rest.first_chunk()?);
    }
    let bytes = &rest[6..];
    // The ordinary: ASCII up to two line feeds.
    let at = seen.unwrap_or_else(|| scan::find(bytes));
    if let Some([b'\n', b'\n', rest @ ..]) = bytes.get(at..) {
        return Some(Found::Whole(Whole { data: &bytes[..at], event, id, rest }));
    }
    let (len, ascii) = scan::piece_at(bytes, at);
    let (data, after) = bytes.split_at_checked(len)?;
    if after.is_empty() {
        return Some(Found::Start(Start { event, id, data, ascii, rest: after }));
    }
    let next = line_end(after)?;
    if next.starts_with(b"data: ") {
        return Some(Found::Start(Start { event, id, data, ascii, rest: after }));
    }
    let rest = line_end(next)?;
    if !ascii && !is_utf8(data) {
        return None;
    }
    Some(Found::Whole(Whole { data, event, id, rest }))
}

/// The value at the start of `bytes`, if it is valid UTF-8, and what follows its line end.
#[inline(always)]
fn value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, ascii) = scan::piece(bytes);
    let (value, rest) = bytes.split_at_checked(len)?;
    if ascii || is_utf8(value) { Some((value, line_end(rest)?)) } else { None }
}

/// What follows the line end at the start of `bytes`. A CR at the end of the chunk is one, though an LF may still follow.
#[inline(always)]
pub(super) fn line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] | [b'\r', rest @ ..] => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn what_is_ordinary_is_read_at_once() {
        for (kind, id, text) in [
            ("", None, "x"),
            ("add", None, ""),
            ("", Some("7"), "{}"),
            ("add", Some(""), "two words"),
            ("a\tb", Some("a\tb"), "a\tb"),
            ("grün", Some("漢"), "🦀"),
        ] {
            for end in ["\n", "\r", "\r\n"] {
                let kind_line = if kind.is_empty() { "".into() } else { format!("event: {kind}{end}") };
                let id_line = id.map_or("".into(), |id| format!("id: {id}{end}"));
                let lines = format!("data: {text}{end}{end}");
                for chunk in
                    [format!("{kind_line}{id_line}{lines}rest"), format!("{id_line}{kind_line}{lines}rest")]
                {
                    let (event_, id, data_) = (kind.as_bytes(), id.map(str::as_bytes), text.as_bytes());
                    let whole = Whole { data: data_, event: event_, id, rest: b"rest" };
                    let found = event(chunk.as_bytes(), None);
                    assert!(matches!(found, Found::Whole(found) if found == whole), "{chunk:?}");
                }
                let start = format!("{kind_line}{id_line}data: {text}{end}data: x");
                assert!(matches!(event(start.as_bytes(), None), Found::Start(_)), "{start:?}");
            }
        }
        assert_eq!(data(b"data: x\n\n"), Some((&b"x"[..], &b"\n\n"[..])));
    }
}
