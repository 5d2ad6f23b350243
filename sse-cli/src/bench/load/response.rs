//! Head of an HTTP/1 response, and the framing of its body (RFC 9112, 6 and 7.1).

use std::fmt;

/// The largest response head, in bytes.
pub(super) const MAX_HEAD: usize = 64 << 10;

const MAX_FIELDS: usize = 128;

/// The relevant parts of a response head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Whether the content type is `text/event-stream` and there is no content coding.
    pub(super) is_event_stream: bool,
    pub(super) content_type: String,
    /// Whether the server closes the connection after this response.
    pub(super) closes: bool,
    pub(super) body: Body,
}

/// Error: the bytes are not an HTTP/1 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an HTTP/1 response: {}", self.0)
    }
}

impl Head {
    /// Parses the head at the start of `bytes`, and returns it with its length; `None` if it is
    /// incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let length = match response.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(Malformed("its head is too long")),
            Err(_) => return Err(Malformed("its head is malformed")),
        };
        let values = |name: &'static str| {
            response
                .headers
                .iter()
                .filter(move |field| field.name.eq_ignore_ascii_case(name))
                .map(|field| String::from_utf8_lossy(field.value).trim().to_ascii_lowercase())
        };
        let has = |name, wanted: &str| {
            values(name).any(|value| value.split(',').any(|option| option.trim() == wanted))
        };
        let content_type = values("content-type").next().unwrap_or_default();
        let status = response.code.unwrap_or_default();
        let body = if status < 200 || status == 204 || status == 304 {
            Body::Length(0)
        } else if has("transfer-encoding", "chunked") {
            Body::Chunked(Chunk::Size(None))
        } else if let Some(length) = values("content-length").next() {
            Body::Length(length.parse().map_err(|_| Malformed("its content length is not a number"))?)
        } else {
            Body::Close
        };
        let head = Self {
            status,
            is_event_stream: content_type
                .split(';')
                .next()
                .is_some_and(|it| it.trim() == "text/event-stream")
                && values("content-encoding").all(|coding| coding == "identity"),
            content_type,
            closes: has("connection", "close")
                || (response.version == Some(0) && !has("connection", "keep-alive")),
            body,
        };
        Ok(Some((head, length)))
    }
}

/// Framing of a body, and the position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Chunked(Chunk),
    /// This many bytes are left.
    Length(u64),
    /// The body ends with the connection.
    Close,
}

/// Position in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the digits of a chunk's size; `None` before the first digit.
    Size(Option<u64>),
    /// After the digits, before the end of the line; with the chunk's size.
    Extension(u64),
    /// In a chunk, of which this many bytes are left.
    Content(u64),
    /// Before the line end after a chunk.
    End,
    /// In a line of the trailers that has this many bytes so far.
    Trailer(u32),
    Over,
}

impl Body {
    /// Whether the body has ended.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }

    /// Whether the position is between two chunks, or the body has no chunks: the meaning of the
    /// following bytes does not depend on earlier ones.
    pub(super) fn is_between_chunks(self) -> bool {
        matches!(self, Self::Close | Self::Chunked(Chunk::Size(None)))
    }

    /// The next piece of content in `input`, which moves past it; `None` if `input` is empty or the
    /// body has ended.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        match self {
            Self::Close => Ok(Some(std::mem::take(input)).filter(|content| !content.is_empty())),
            Self::Length(left) => Ok(content(left, input)),
            Self::Chunked(chunk) => chunk.next(input),
        }
    }
}

/// Takes as much content as the input has.
fn content<'a>(left: &mut u64, input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (content, rest) = input.split_at(length);
    *input = rest;
    *left -= length as u64;
    (length > 0).then_some(content)
}

impl Chunk {
    fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        loop {
            if let Self::Content(left) = self {
                let content = content(left, input);
                if *left == 0 {
                    *self = Self::End;
                }
                return Ok(content);
            }
            let (Some((&byte, rest)), true) = (input.split_first(), *self != Self::Over) else {
                return Ok(None);
            };
            *input = rest;
            *self = self.after(byte)?;
        }
    }

    /// The position after one byte of framing.
    fn after(self, byte: u8) -> Result<Self, Malformed> {
        Ok(match (self, byte) {
            (Self::Size(Some(0)) | Self::Extension(0), b'\n') => Self::Trailer(0),
            (Self::Size(Some(size)) | Self::Extension(size), b'\n') => Self::Content(size),
            (Self::Size(Some(size)), b';' | b' ' | b'\t' | b'\r') | (Self::Extension(size), _) => {
                Self::Extension(size)
            }
            (Self::Size(size), digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Malformed("a chunk has no size"))?;
                let size = size.unwrap_or(0).checked_mul(16).ok_or(Malformed("a chunk is too large"))?;
                Self::Size(Some(size + u64::from(digit)))
            }
            (Self::End, b'\r') => Self::End,
            (Self::End, b'\n') => Self::Size(None),
            (Self::End, _) => return Err(Malformed("a chunk is longer than its size")),
            (Self::Trailer(0), b'\n') => Self::Over,
            (Self::Trailer(_), b'\n') => Self::Trailer(0),
            (Self::Trailer(length), b'\r') => Self::Trailer(length),
            (Self::Trailer(length), _) => Self::Trailer(length.saturating_add(1)),
            (Self::Content(_) | Self::Over, _) => self,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut body: Body, pieces: &[&[u8]]) -> Result<(Vec<u8>, Body), Malformed> {
        let mut text = Vec::new();
        for mut piece in pieces.iter().copied() {
            while let Some(content) = body.next(&mut piece)? {
                text.extend_from_slice(content);
            }
        }
        Ok((text, body))
    }

    #[test]
    fn a_chunked_body_is_the_same_however_it_is_cut() {
        let bytes = b"5;name=value\r\nhello\r\n0B\r\n, new world\r\n0\r\nTrailer: x\r\n\r\n";
        let start = Body::Chunked(Chunk::Size(None));
        for cut in 0..bytes.len() {
            let (text, body) = read(start, &[&bytes[..cut], &bytes[cut..]]).unwrap();
            assert_eq!((&text[..], body.is_over()), (&b"hello, new world"[..], true), "{cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(start, &single).unwrap().0, b"hello, new world");
    }

    #[test]
    fn malformed_chunks_are_errors() {
        for bytes in [&b"x\r\n"[..], b"\r\n", b"1\r\nab", b"11111111111111111\r\n"] {
            assert!(read(Body::Chunked(Chunk::Size(None)), &[bytes]).is_err());
        }
    }

    #[test]
    fn the_body_of_a_length_ends_after_it() {
        let (text, body) = read(Body::Length(4), &[b"ab", b"cdef"]).unwrap();
        assert_eq!((&text[..], body.is_over()), (&b"abcd"[..], true));
    }

    #[test]
    fn a_head_says_how_its_body_is_framed() {
        let head = |text: &str| Head::parse(text.as_bytes()).unwrap().unwrap().0;
        let events = head("HTTP/1.0 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n");
        assert!(events.is_event_stream && events.closes && events.body == Body::Close);
        let chunked = head("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Encoding: gzip\r\n\r\n");
        assert!(!chunked.is_event_stream && !chunked.closes && matches!(chunked.body, Body::Chunked(_)));
        assert!(head("HTTP/1.1 204 No Content\r\n\r\n").body.is_over());
        assert!(matches!(Head::parse(b"HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None)));
        assert!(Head::parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        let endless = [b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'x'; MAX_HEAD]].concat();
        assert!(Head::parse(&endless).is_err());
    }
}
