//! Body of a response: blocks of lines, and the arrival time of each byte.

use std::ops::Range;
use std::time::Duration;

use proto::field::Field;

/// Bytes of a body with their arrival times.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    arrivals: Vec<Arrival>,
    /// Counts events as they arrive, so that a read costs its own size however long the body is.
    parser: proto::Parser,
    dispatched: usize,
    pauses: usize,
}

/// Bytes that arrive within this time count as having arrived together.
pub(super) const TOGETHER: Duration = Duration::from_millis(30);

/// What followed the last byte of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The server ended the body.
    Ended,
    /// The check closed the connection while bytes arrived.
    Cut,
    /// Silence of this length, until the check closed the connection.
    Silence(Duration),
    /// More bytes, beyond the limit of the check.
    Overlong,
}

/// One read of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Time since the request was sent.
    pub(super) at: Duration,
    /// Number of bytes of the body after this read.
    pub(super) end: usize,
}

/// How a line of a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Lf,
    CrLf,
    Cr,
    /// The body ended, or was cut, inside the line.
    Missing,
}

/// A line of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a [u8],
    pub(super) ending: Ending,
}

/// The lines up to a blank line (9.2.5), or to the end of the body.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    pub(super) lines: Vec<Line<'a>>,
    pub(super) range: Range<usize>,
    /// Whether the block has its blank line.
    pub(super) complete: bool,
}

impl Body {
    /// Appends the bytes of one read.
    pub(super) fn push(&mut self, at: Duration, bytes: &[u8]) {
        let mut rest = bytes;
        while let Ok(Some(_)) = self.parser.next_event(&mut rest) {
            self.dispatched += 1;
        }
        let last = self.arrivals.last().map_or(Duration::ZERO, |arrival| arrival.at);
        self.pauses += usize::from(at.saturating_sub(last) > TOGETHER);
        self.bytes.extend_from_slice(bytes);
        self.arrivals.push(Arrival { at, end: self.bytes.len() });
    }

    /// How many events a client has dispatched so far (9.2.6).
    pub(super) fn dispatched(&self) -> usize {
        self.dispatched
    }

    /// How many reads came after a pause.
    pub(super) fn pauses(&self) -> usize {
        self.pauses
    }

    /// The reads, in order.
    pub(super) fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// The time at which the byte at this offset arrived.
    pub(super) fn time_of(&self, offset: usize) -> Duration {
        let index = self.arrivals.partition_point(|arrival| arrival.end <= offset);
        self.arrivals.get(index).or(self.arrivals.last()).map_or(Duration::ZERO, |arrival| arrival.at)
    }

    /// The lines of the body; a byte order mark at its start belongs to no line.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let bytes = &self.bytes[..];
        let mut start = if self.has_bom() { 3 } else { 0 };
        std::iter::from_fn(move || {
            let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
            let (ending, width) = match &rest[length..] {
                [] => (Ending::Missing, 0),
                [b'\r', b'\n', ..] => (Ending::CrLf, 2),
                [b'\r', ..] => (Ending::Cr, 1),
                _ => (Ending::Lf, 1),
            };
            let line = Line { start, text: &rest[..length], ending };
            start += length + width;
            Some(line)
        })
    }

    /// Whether the body starts with a byte order mark.
    pub(super) fn has_bom(&self) -> bool {
        self.bytes.starts_with(b"\xef\xbb\xbf")
    }

    /// The blocks of the body. Blank lines between blocks belong to no block.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut lines: Vec<Line<'_>> = Vec::new();
        for line in self.lines() {
            let end = line.start + line.text.len();
            let blank = line.text.is_empty() && line.ending != Ending::Missing;
            if !blank {
                lines.push(line);
            } else if let Some(first) = lines.first() {
                let range = first.start..end + 1;
                blocks.push(Block { lines: std::mem::take(&mut lines), range, complete: true });
            }
        }
        if let Some(first) = lines.first() {
            let range = first.start..self.bytes.len();
            blocks.push(Block { lines, range, complete: false });
        }
        blocks
    }

    /// The time at which the last byte of this block arrived, at which a client dispatches its
    /// event.
    pub(super) fn completed(&self, block: &Block<'_>) -> Duration {
        self.time_of(block.range.end.saturating_sub(1))
    }
}

impl<'a> Block<'a> {
    /// The fields of the block, comments included.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field<'a>> + '_ {
        self.lines.iter().map(|line| Field::parse(line.text))
    }

    /// Whether a client dispatches an event for the block (9.2.6): it has data.
    pub(super) fn is_event(&self) -> bool {
        self.complete && self.fields().any(|field| matches!(field, Field::Data(_)))
    }

    /// Whether the block has only comments.
    pub(super) fn is_comment(&self) -> bool {
        self.fields().all(|field| matches!(field, Field::Comment(_)))
    }

    /// The ID that the block sets (9.2.6): the last one without NUL.
    pub(super) fn id(&self) -> Option<&'a [u8]> {
        let mut id = None;
        for field in self.fields() {
            if let Field::Id(value) = field
                && !value.contains(&0)
            {
                id = Some(value);
            }
        }
        id
    }

    /// The first line of the block as evidence, at most `limit` characters.
    pub(super) fn excerpt(&self, limit: usize) -> String {
        self.lines.first().map_or_else(String::new, |line| quote(line.text, limit))
    }
}

/// Bytes of the peer in backquotes, shortened to `limit`.
pub(super) fn quote(bytes: &[u8], limit: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * limit)]);
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: &[(u64, &str)]) -> Body {
        let mut body = Body::default();
        for (ms, chunk) in chunks {
            body.push(Duration::from_millis(*ms), chunk.as_bytes());
        }
        body
    }

    #[test]
    fn every_line_ending_ends_a_line() {
        let body = body(&[(0, "a\nb\r\nc\rd")]);
        let lines: Vec<_> = body.lines().map(|line| (line.text, line.ending)).collect();
        let expected: [(&[u8], Ending); 4] =
            [(b"a", Ending::Lf), (b"b", Ending::CrLf), (b"c", Ending::Cr), (b"d", Ending::Missing)];
        assert_eq!(lines, expected);
    }

    #[test]
    fn blocks_end_at_blank_lines_and_remember_when_they_came() {
        let body = body(&[(1, "\u{feff}id: 1\nda"), (5, "ta: x\n\n\n: hi\n\ndata: cut")]);
        let blocks = body.blocks();
        assert_eq!(blocks.len(), 3);
        assert!(blocks[0].is_event() && blocks[1].is_comment() && !blocks[2].complete);
        assert_eq!(blocks[0].id(), Some(&b"1"[..]));
        assert_eq!(body.time_of(blocks[0].range.start), Duration::from_millis(1));
        assert_eq!(body.completed(&blocks[0]), Duration::from_millis(5));
    }

    #[test]
    fn quotes_are_short() {
        assert_eq!(quote("ééé".as_bytes(), 2), "`éé…`");
        assert_eq!(quote(b"a\xff", 9), "`a\u{fffd}`");
    }
}
