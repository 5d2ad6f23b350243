//! A whole line in one pass: which field, where its value is, where the next line begins.
//!
//! ```text
//!        start        end next
//!          ▼            ▼ ▼
//!   d a t a :   h e l l o ⏎ ⏎ …
//!   └── 8 bytes, compared at once ──┘
//! ```
//!
//! The grammar is that of [`field`](super::field), which reads the lines that no shortcut is taken for; the test below
//! holds the two against each other. What makes this one fast: the field is known from one load of eight
//! bytes, not from a search for the colon; and one signed comparison a byte (`byte < 14`) stops at LF and CR, and at
//! every byte that is not ASCII, so that a value without any needs no validation.

use memchr::memchr2;

use super::field::Field;
pub(super) use super::find::find;
use super::find::{find_control, find_far};
use super::text::is_utf8;

/// The fields, without their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Blank,
    Comment,
    /// A comment that nobody asked for: its length counts, its text is not kept.
    Skipped,
    Event,
    Data,
    Id,
    Retry,
    Unknown,
}

impl<'a> Field<'a> {
    /// The field's name and value; the value of an unknown field is of no interest.
    pub(super) fn split(self) -> (Name, &'a [u8]) {
        match self {
            Field::Blank => (Name::Blank, b""),
            Field::Comment(value) => (Name::Comment, value),
            Field::Event(value) => (Name::Event, value),
            Field::Data(value) => (Name::Data, value),
            Field::Id(value) => (Name::Id, value),
            Field::Retry(value) => (Name::Retry, value),
            Field::Unknown { .. } => (Name::Unknown, b""),
        }
    }
}

/// One line of a chunk, as indices into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: Name,
    /// Where the value starts, and where it ends.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where the next line starts.
    pub(super) next: usize,
    /// The value is known to be ASCII. If false, it is not known.
    pub(super) ascii: bool,
}

/// The chunk ends before the line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The field, if it is known by now, and where its value starts.
    pub(super) field: Option<(Name, usize)>,
    /// What there is of the value is known to be ASCII.
    pub(super) ascii: bool,
}

impl Line {
    /// Whether its value, which is the argument, is valid UTF-8.
    #[inline]
    pub(super) fn is_utf8(&self, value: &[u8]) -> bool {
        self.ascii || is_utf8(value)
    }
}

/// Reads the line that starts at `at`.
#[inline]
pub(super) fn line(chunk: &[u8], at: usize) -> Result<Line, Cut> {
    let Some(head) = chunk[at..].first_chunk::<8>() else { return plain(chunk, at) };
    let head = u64::from_le_bytes(*head);
    let (name, value) = if starts_with(head, b"data: ") {
        (Name::Data, 6)
    } else if starts_with(head, b"\n") {
        return Ok(Line { name: Name::Blank, start: at, end: at, next: at + 1, ascii: true });
    } else if starts_with(head, b"event: ") {
        (Name::Event, 7)
    } else if starts_with(head, b"id: ") {
        (Name::Id, 4)
    } else if starts_with(head, b": ") {
        (Name::Comment, 2)
    } else if starts_with(head, b"data:") {
        (Name::Data, 5)
    } else {
        return plain(chunk, at);
    };
    let start = at + value;
    let (len, ascii) = piece(&chunk[start..]);
    let end = start + len;
    if end == chunk.len() {
        return Err(Cut { field: Some((name, start)), ascii });
    }
    Ok(Line { name, start, end, next: next_line(chunk, end), ascii })
}

/// Whether the eight bytes of `head` start with `prefix`.
#[inline]
pub(super) fn starts_with<const N: usize>(head: u64, prefix: &[u8; N]) -> bool {
    let mut bytes = [0; 8];
    bytes[..N].copy_from_slice(prefix);
    (head ^ u64::from_le_bytes(bytes)) << (64 - 8 * N) == 0
}

/// Reads a line by the plain grammar.
fn plain(chunk: &[u8], at: usize) -> Result<Line, Cut> {
    let end = at + memchr2(b'\n', b'\r', &chunk[at..]).ok_or(Cut { field: None, ascii: false })?;
    let (name, value) = Field::parse(&chunk[at..end]).split();
    Ok(Line { name, start: end - value.len(), end, next: next_line(chunk, end), ascii: false })
}

/// Where the next line starts, given where this one ends.
#[inline]
pub(super) fn next_line(chunk: &[u8], end: usize) -> usize {
    let crlf = chunk[end] == b'\r' && chunk.get(end + 1) == Some(&b'\n');
    end + 1 + usize::from(crlf)
}

/// How many bytes there are before the end of the line, or of all, and whether they are ASCII.
#[inline]
pub(super) fn piece(bytes: &[u8]) -> (usize, bool) {
    piece_at(bytes, find(bytes))
}

/// The same of bytes that are likely to be in the middle of a line.
#[inline]
pub(super) fn middle(bytes: &[u8]) -> (usize, bool) {
    piece_at(bytes, find_far(bytes))
}

/// The same, if `at` is what [`find`] finds.
#[inline]
pub(super) fn piece_at(bytes: &[u8], at: usize) -> (usize, bool) {
    match bytes.get(at) {
        Some(b'\n' | b'\r') | None => (at, true),
        Some(_) => piece_from(bytes, at),
    }
}

/// Goes on with a piece in which there is more than printable ASCII.
#[inline(never)]
fn piece_from(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut ascii = true;
    loop {
        match bytes.get(at) {
            Some(b'\n' | b'\r') | None => return (at, ascii),
            Some(0x80..) => ascii = false,
            // A tab, or another control character.
            Some(_) => {}
        }
        at += 1;
        at += if ascii { find(&bytes[at..]) } else { find_control(&bytes[at..]) };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::find::tests::interesting;
    use super::*;

    proptest! {
        #[test]
        fn a_line_is_what_the_plain_grammar_says(
            prefix in prop::sample::select(PREFIXES),
            value in proptest::collection::vec(interesting(), 0..200),
            end in prop::sample::select(&["\n", "\r", "\r\n", ""][..]),
            tail in prop::sample::select(&["", "\n", "x", "\ndata: next\n\n"][..]),
        ) {
            let chunk = [prefix.as_bytes(), &value, end.as_bytes(), tail.as_bytes()].concat();
            match (line(&chunk, 0), plain(&chunk, 0)) {
                (Ok(fast), Ok(plain)) => {
                    prop_assert!(!fast.ascii || chunk[fast.start..fast.end].is_ascii());
                    prop_assert_eq!(Line { ascii: false, ..fast }, plain);
                }
                (Err(cut), Err(_)) => {
                    prop_assert!(!cut.ascii || chunk.is_ascii());
                    if let Some((name, start)) = cut.field {
                        prop_assert_eq!((name, &chunk[start..]), Field::parse(&chunk).split());
                    }
                }
                (fast, plain) => prop_assert!(false, "{:?} {:?}", fast, plain),
            }
        }
    }

    const PREFIXES: &[&str] =
        &["", "data: ", "data:", "data", "event: ", "event:", "id: ", "id:", ": ", ":", "retry: ", "other: "];
}
