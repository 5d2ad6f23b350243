//! Check of chunk sizes (RFC 9112, 7.1), for an HTTP client that is lax with them.

use std::error::Error;
use std::fmt;
use std::mem;

use super::interim::{is_complete, status};

/// Check of the chunk sizes of a response (RFC 9112, 7.1) on a connection of HTTP/1.1.
///
/// For an HTTP client that accepts a malformed size, such as `+5`: a proxy may read that size
/// differently, and what it takes for the end of a chunk would become data. **Pass every byte that
/// arrives, and let the client read only as many as [`check`](Self::check) returns.** Responses
/// without chunks are not checked, and neither is anything but sizes: the client itself checks what
/// follows the data of a chunk.
///
/// # Example
///
/// ```
/// use sse_http::client::ChunkSizes;
///
/// let mut sizes = ChunkSizes::default();
/// sizes.check(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
/// assert_eq!(sizes.check(b"5\r\ndata:\r\n+2\r\n\n\n\r\n")?, 10, "the bytes before `+2`");
/// assert!(sizes.check(b"").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ChunkSizes(State);

/// The size of a chunk is malformed, or larger than 64 bits can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSizeError;

#[derive(Debug)]
enum State {
    /// In a head; its bytes so far.
    Head(Vec<u8>),
    /// Before the first digit of a size.
    Start,
    /// In the digits of a size.
    Digits(u64),
    /// In blanks after the digits.
    Blanks(u64),
    /// In an extension, which is ignored (RFC 9112, 7.1.1).
    Extension(u64),
    /// Between the carriage return and the line feed after a size.
    LineFeed(u64),
    /// In the data of a chunk and the line end after it, with the number of bytes left.
    Data(u64),
    /// In the trailers, or in a response without chunks.
    Unchecked,
    /// After a malformed size.
    Malformed,
}

impl ChunkSizes {
    /// Checks the next bytes of the connection, and returns how many of them precede the byte that
    /// makes a size malformed: all of them if there is none.
    ///
    /// # Errors
    ///
    /// If no byte precedes it, or if it was in an earlier input: every later call fails.
    pub fn check(&mut self, input: &[u8]) -> Result<usize, ChunkSizeError> {
        let mut valid = 0;
        while let Some(&byte) = input.get(valid) {
            match &mut self.0 {
                State::Unchecked => valid = input.len(),
                State::Data(left) => {
                    let length = (input.len() - valid).min(usize::try_from(*left).unwrap_or(usize::MAX));
                    valid += length;
                    *left -= length as u64;
                    if *left == 0 {
                        self.0 = State::Start;
                    }
                }
                state => {
                    *state = mem::replace(state, State::Malformed).next(byte);
                    if let State::Malformed = state {
                        break;
                    }
                    valid += 1;
                }
            }
        }
        match self.0 {
            State::Malformed if valid == 0 => Err(ChunkSizeError),
            _ => Ok(valid),
        }
    }
}

impl State {
    /// The state after a byte of a head, or of a line with a size.
    fn next(self, byte: u8) -> Self {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        match (self, byte) {
            (Self::Head(mut head), _) => {
                head.push(byte);
                match is_complete(&head).then(|| status(&head)) {
                    None => Self::Head(head),
                    Some(Some(status)) if status.is_informational() => Self::Head(Vec::new()),
                    Some(_) if is_chunked(&head) => Self::Start,
                    Some(_) => Self::Unchecked,
                }
            }
            (Self::Start, _) => digit.map_or(Self::Malformed, Self::Digits),
            (Self::Digits(size) | Self::Blanks(size) | Self::Extension(size), b'\r') => Self::LineFeed(size),
            (Self::Digits(size) | Self::Blanks(size), b' ' | b'\t') => Self::Blanks(size),
            (Self::Digits(size) | Self::Blanks(size), b';') => Self::Extension(size),
            (Self::Digits(size), _) => match (digit, size.checked_mul(16)) {
                (Some(digit), Some(size)) => Self::Digits(size | digit),
                _ => Self::Malformed,
            },
            (Self::Extension(size), byte) if byte != b'\n' => Self::Extension(size),
            (Self::LineFeed(0), b'\n') => Self::Unchecked,
            (Self::LineFeed(size), b'\n') => Self::Data(size.saturating_add(2)),
            _ => Self::Malformed,
        }
    }
}

/// Whether this head announces chunks (RFC 9112, 6.1 and 7.1); HTTP/1.0 has none.
fn is_chunked(head: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding:";
    let mut lines = head.split(|&byte| byte == b'\n');
    !lines.next().is_some_and(|line| line.starts_with(b"HTTP/1.0"))
        && lines.filter_map(|line| line.split_at_checked(NAME.len())).any(|(name, value)| {
            name.eq_ignore_ascii_case(NAME) && value.trim_ascii().eq_ignore_ascii_case(b"chunked")
        })
}

impl Default for ChunkSizes {
    /// Returns the check of a connection of which no response was read.
    fn default() -> Self {
        Self(State::Head(Vec::new()))
    }
}

impl fmt::Display for ChunkSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the size of a chunk is malformed")
    }
}

impl Error for ChunkSizeError {}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ntransfer-Encoding:  Chunked \r\n\r\n";

    /// How many bytes are valid of those that arrive at once, or one by one.
    fn valid(input: &[u8]) -> usize {
        let (mut at_once, mut bytes) = (ChunkSizes::default(), ChunkSizes::default());
        let valid = at_once.check(input).unwrap();
        let one_by_one = input.iter().take_while(|&&byte| bytes.check(&[byte]).is_ok()).count();
        assert_eq!(valid, one_by_one, "{}", input.escape_ascii());
        for mut later in [at_once, bytes] {
            let end = if valid == input.len() { Ok(0) } else { Err(ChunkSizeError) };
            assert_eq!(later.check(b""), end, "{}", input.escape_ascii());
        }
        valid
    }

    #[test]
    fn chunk_sizes_have_hexadecimal_digits_blanks_and_extensions() {
        for first in ["9", "00000000000000000009", "9 ", "9\t ;", "9;x=\"a;b\"", "9 ; x", "9;\u{e9}"] {
            let body = format!("{first}\r\ndata: +1\r\r\na\r\n0123456789\r\n0\r\nTrailer: +\r\n\r\n");
            let input = HEAD.to_owned() + &body;
            assert_eq!(valid(input.as_bytes()), input.len(), "{first:?}");
        }
        let largest = HEAD.to_owned() + "FFFFFFFFFFFFFFFF\r\ndata";
        assert_eq!(valid(largest.as_bytes()), largest.len());
    }

    #[test]
    fn bytes_before_a_malformed_chunk_size_are_valid() {
        for (size, digits) in [
            ("+9", 0),
            ("-9", 0),
            (" 9", 0),
            ("\t9", 0),
            ("\u{b}9", 0),
            ("\u{a0}9", 0),
            ("\n9", 0),
            ("", 0),
            (";x", 0),
            ("+0", 0),
            ("0x9", 1),
            ("9_", 1),
            ("9g", 1),
            ("9\n", 1),
            ("9\r", 2),
            ("9 9", 2),
            ("9;x\n", 3),
            ("10000000000000000", 16),
        ] {
            for before in ["", "9\r\ndata: a\n\n\r\n"] {
                let input = format!("{HEAD}{before}{size}\r\ndata: a\n\n\r\n");
                assert_eq!(valid(input.as_bytes()), HEAD.len() + before.len() + digits, "{size:?}");
            }
        }
        assert_eq!(ChunkSizes(State::Start).check(b"+9"), Err(ChunkSizeError));
    }

    #[test]
    fn only_a_response_with_chunks_is_checked_after_interim_responses() {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100\n\n";
        let heads = hints.to_owned() + HEAD;
        assert_eq!(valid((heads.clone() + "+9\r\n").as_bytes()), heads.len());
        for head in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX-Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n",
            "garbage\n\n",
        ] {
            let input = hints.to_owned() + head + "+9\r\ndata: a\n\n";
            assert_eq!(valid(input.as_bytes()), input.len(), "{head:?}");
        }
    }
}
