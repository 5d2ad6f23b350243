//! Whether a reconnection time belongs to the block of the next event.

use core::time::Duration;

/// A reconnection time that an unfinished block has set.
///
/// The parser reports a `retry` at its line and says nothing of blocks without data. An event must not have the `retry` of
/// an earlier block, so while one is held the parser gets one line at a time ([`line`](Self::line)), and every piece that
/// it read is shown to [`ends_block`](Self::ends_block). Most streams have one `retry`, if any.
#[derive(Debug)]
pub(crate) struct BlockRetry {
    pub(crate) time: Duration,
    place: Place,
}

/// Where the last byte left off.
#[derive(Debug, PartialEq)]
enum Place {
    LineStart,
    /// At the start of a line, whose first LF would belong to the line end before.
    AfterCr,
    InLine,
}

impl BlockRetry {
    /// `line` is what the parser read up to the end of the line of the `retry`.
    pub(crate) fn new(time: Duration, line: &[u8]) -> Self {
        Self { time, place: Place::after(line) }
    }

    /// The first line of `input` with its line end, or all of it if it has none.
    pub(crate) fn line<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        let end = input.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        &input[..end.map_or(input.len(), |end| end + 1)]
    }

    /// Takes note of a line, or a piece of one, that was read; whether it is the blank line that ends the block.
    pub(crate) fn ends_block(&mut self, line: &[u8]) -> bool {
        let blank = match self.place {
            Place::InLine => false,
            Place::LineStart => matches!(line, b"\n" | b"\r"),
            Place::AfterCr => line == b"\r",
        };
        if !line.is_empty() {
            self.place = Place::after(line);
        }
        blank
    }
}

impl Place {
    fn after(piece: &[u8]) -> Self {
        match piece.last() {
            Some(b'\n') => Self::LineStart,
            Some(b'\r') => Self::AfterCr,
            _ => Self::InLine,
        }
    }
}
