//! Attribution of a reconnection time to the block of the next event.
//!
//! The parser is fastest when it returns events alone, but then it does not report `retry`. It also
//! does not report the end of a block without data, and an event must not get the `retry` of an
//! earlier block. So [`Finder`] first searches for the next possible `retry` line; from there to
//! the end of the block, [`Block`] gives the parser one line at a time.

use core::time::Duration;

use memchr::{memchr2, memmem};

const RETRY: &[u8] = b"retry";

/// Finds lines that begin with `retry`.
pub(crate) struct Finder(memmem::Finder<'static>);

impl Finder {
    pub(crate) fn new() -> Self {
        Self(memmem::Finder::new(RETRY))
    }

    /// How many bytes of `input` come before the first line that begins with `retry`, or that may
    /// begin with `retry` once the next chunk arrives. `last` is the byte before `input`.
    pub(crate) fn plain(&self, last: u8, input: &[u8]) -> usize {
        let starts_line = |at: usize| is_line_end(if at == 0 { last } else { input[at - 1] });
        let mut from = 0;
        while let Some(found) = self.0.find(&input[from..]) {
            if starts_line(from + found) {
                return from + found;
            }
            from += found + RETRY.len();
        }
        for length in 1..RETRY.len().min(input.len() + 1) {
            let at = input.len() - length;
            if starts_line(at) {
                return if RETRY.starts_with(&input[at..]) { at } else { input.len() };
            }
        }
        input.len()
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// A block that is read line by line.
#[derive(Debug)]
pub(crate) struct Block {
    /// The time that the `retry` lines of the block have set.
    pub(crate) retry: Option<Duration>,
    place: Place,
}

/// Position in a line after the last byte.
#[derive(Debug, PartialEq)]
enum Place {
    LineStart,
    /// At the start of a line after CR: an LF here would belong to the previous line end.
    AfterCr,
    InLine,
}

impl Block {
    /// Creates a block that begins at the start of a line; `last` is the byte before it.
    pub(crate) fn after(last: u8) -> Self {
        Self { retry: None, place: Place::after(last) }
    }

    /// The first line of `input` with its line end, or all of it if it has none.
    pub(crate) fn line<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        &input[..memchr2(b'\n', b'\r', input).map_or(input.len(), |end| end + 1)]
    }

    /// Records a line, or a piece of one, that was read; returns whether it is the blank line that
    /// ends the block.
    pub(crate) fn ends_with(&mut self, line: &[u8]) -> bool {
        let blank = match self.place {
            Place::InLine => false,
            Place::LineStart => matches!(line, b"\n" | b"\r"),
            Place::AfterCr => line == b"\r",
        };
        if let Some(&last) = line.last() {
            self.place = Place::after(last);
        }
        blank
    }
}

impl Place {
    fn after(last: u8) -> Self {
        match last {
            b'\n' => Self::LineStart,
            b'\r' => Self::AfterCr,
            _ => Self::InLine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_retry_are_found_also_where_a_chunk_cuts_their_name() {
        let cases: [(u8, &[u8], usize); 14] = [
            (b'\n', b"", 0),
            (b'\n', b"retry: 1\n", 0),
            (b'\r', b"ret", 0),
            (b'x', b"retry: 1\n", 9),
            (b'x', b"ret", 3),
            (b'\n', b"r", 0),
            (b'\n', b"x", 1),
            (b'x', b"data\nretry\n", 5),
            (b'x', b"data\rretr", 5),
            (b'x', b"data: retry\n", 12),
            (b'x', b"data: retry\nretry", 12),
            (b'x', b"a\nretrx\nr", 8),
            (b'x', b"a\nrer", 5),
            (b'x', b"a\n", 2),
        ];
        for (last, input, length) in cases {
            assert_eq!(Finder::new().plain(last, input), length, "{:?}", str::from_utf8(input));
        }
    }

    #[test]
    fn the_blank_line_of_a_block_is_seen_whatever_its_line_ends_and_cuts() {
        for (pieces, blank) in [
            (&["a\n", "\n"][..], 1),
            (&["a\r", "\n", "\r"], 2),
            (&["a\r", "\r"], 1),
            (&["a", "\n", "b", "c\r", "\n", "\n"], 5),
            (&["\n"], 0),
        ] {
            let mut block = Block::after(b'\n');
            let found = pieces.iter().position(|piece| block.ends_with(piece.as_bytes()));
            assert_eq!(found, Some(blank), "{pieces:?}");
        }
        assert!(!Block::after(b'\r').ends_with(b"\n"));
    }
}
