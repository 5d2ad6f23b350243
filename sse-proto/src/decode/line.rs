//! Line ends and the byte order mark, across chunks (9.2.5).

use memchr::memchr2;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A line, or the part of one that a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The bytes, without the line end.
    pub bytes: &'a [u8],
    /// Whether the line ends here; if not, the next piece goes on with it.
    pub end: bool,
}

/// Cuts a stream into lines, without buffering: a line that spans chunks comes in pieces.
///
/// CRLF, LF and CR each end a line. A CR ends it at once; an LF that follows is skipped, in whichever
/// chunk it comes. One leading byte order mark is removed, also when chunks cut it.
///
/// # Example
///
/// ```
/// use sse_proto::line::{Lines, Piece};
///
/// let mut lines = Lines::new();
/// let mut input = &b"\xef\xbb\xbfdata: x\r"[..];
/// assert_eq!(lines.next_piece(&mut input), Some(Piece { bytes: b"data: x", end: true }));
/// assert_eq!(lines.next_piece(&mut input), None);
/// let mut input = &b"\nda"[..];
/// assert_eq!(lines.next_piece(&mut input), Some(Piece { bytes: b"da", end: false }));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    start: Start,
}

/// What the next bytes may have to be cleared of before a line can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The stream has just begun: so many bytes of a byte order mark were seen, fewer than three.
    Bom(u8),
    /// The last byte was the CR of a line end: an LF belongs to it.
    AfterCr,
    /// Nothing.
    Clean,
}

impl Default for Start {
    fn default() -> Self {
        Self::Bom(0)
    }
}

impl Lines {
    /// The state at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next line or piece of a line; `None` when `input` is used up.
    ///
    /// `input` is moved past what was read.
    pub fn next_piece<'c>(&mut self, input: &mut &'c [u8]) -> Option<Piece<'c>> {
        if let Some(bytes) = self.clear(input) {
            return Some(Piece { bytes, end: false });
        }
        if input.is_empty() {
            return None;
        }
        let Some(end) = memchr2(b'\n', b'\r', input) else {
            let bytes = core::mem::take(input);
            return Some(Piece { bytes, end: false });
        };
        let bytes = &input[..end];
        *input = &input[end + self.line_end(&input[end..])..];
        Some(Piece { bytes, end: true })
    }

    /// Consumes a byte order mark, or the LF of a CR that ended the line before.
    ///
    /// Bytes that began like a mark and were none are the start of the first line: they are returned.
    pub(super) fn clear(&mut self, input: &mut &[u8]) -> Option<&'static [u8]> {
        loop {
            let first = *input.first()?;
            match self.start {
                Start::Clean => return None,
                Start::AfterCr => {
                    self.take_lf(input);
                    return None;
                }
                Start::Bom(seen) => {
                    let seen = usize::from(seen);
                    if first != BOM[seen] {
                        self.start = Start::Clean;
                        return if seen == 0 { None } else { Some(&BOM[..seen]) };
                    }
                    *input = &input[1..];
                    self.start = if seen == 2 { Start::Clean } else { Start::Bom(seen as u8 + 1) };
                }
            }
        }
    }

    /// Whether the last byte was the CR of a line end.
    #[inline]
    pub(super) fn is_after_cr(&self) -> bool {
        self.start == Start::AfterCr
    }

    /// Consumes the LF of that CR, if it is next. An empty `input` must not be asked.
    pub(super) fn take_lf(&mut self, input: &mut &[u8]) -> bool {
        self.start = Start::Clean;
        let Some(rest) = input.strip_prefix(b"\n") else { return false };
        *input = rest;
        true
    }

    /// Whether a byte order mark has begun: bytes of the first line, if it stays cut.
    pub(super) fn in_bom(&self) -> bool {
        matches!(self.start, Start::Bom(1..))
    }

    /// The length of the line end that `bytes` starts with; remembers a CR whose LF may still come.
    pub(super) fn line_end(&mut self, bytes: &[u8]) -> usize {
        match bytes {
            [b'\r', b'\n', ..] => 2,
            [b'\r'] => {
                self.expect_lf();
                1
            }
            _ => 1,
        }
    }

    /// The chunk ended with the CR of a line end: an LF at the start of the next one belongs to it.
    pub(super) fn expect_lf(&mut self) {
        self.start = Start::AfterCr;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::new();
        let mut out = Vec::new();
        let mut line = Vec::new();
        for mut chunk in chunks.iter().copied() {
            while let Some(piece) = lines.next_piece(&mut chunk) {
                line.extend_from_slice(piece.bytes);
                if piece.end {
                    out.push(core::mem::take(&mut line));
                }
            }
        }
        out.push(line);
        out
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let cases: [(&[u8], &[&[u8]]); 6] = [
            (b"a\rb\nc\r\nd", &[b"a", b"b", b"c", b"d"]),
            (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", &[b"a", b"\xef\xbb\xbfb"]),
            (b"\xef\xbb\xbf\xef\xbb\xbfa", &[b"\xef\xbb\xbfa"]),
            (b"\xef\xbba\n", &[b"\xef\xbba", b""]),
            (b"\xef\r\r\n\n", &[b"\xef", b"", b"", b""]),
            ("a\u{b}b\u{c}c\u{85}d\u{2028}e".as_bytes(), &["a\u{b}b\u{c}c\u{85}d\u{2028}e".as_bytes()]),
        ];
        for (bytes, expected) in cases {
            for a in 0..=bytes.len() {
                for b in a..=bytes.len() {
                    assert_eq!(lines(&[&bytes[..a], &bytes[a..b], &bytes[b..]]), expected);
                }
            }
        }
    }
}
