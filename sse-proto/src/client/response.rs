//! The parts of a response's head that the client checks.

use core::fmt;

/// Status and five headers of a response, from which an [`EventSource`](crate::EventSource) decides
/// whether to accept it.
///
/// ```
/// use sse_proto::ResponseHead;
///
/// let head = ResponseHead::new(200, [("Content-Type", "text/event-stream"), ("Server", "nginx")]);
/// assert_eq!(head.content_type, Some("text/event-stream"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status code.
    pub status: u16,
    /// `Content-Type`; the last one if there are several headers.
    pub content_type: Option<&'a str>,
    /// `Content-Encoding`: the first coding other than `identity`, in all headers and all elements
    /// of their lists.
    pub content_encoding: Option<ContentCoding>,
    /// `Transfer-Encoding`: the first coding other than `chunked` and `identity`, in all headers
    /// and all elements of their lists (RFC 9112, 7). HTTP clients undo `chunked` alone.
    pub transfer_encoding: Option<ContentCoding>,
    /// `Retry-After`: seconds or a date; the last one if there are several headers.
    pub retry_after: Option<&'a str>,
    /// `Date`, the server's clock, which a date in `Retry-After` is measured against.
    pub date: Option<&'a str>,
}

impl<'a> ResponseHead<'a> {
    /// Picks the status and the five headers out of pairs of name and value; the case of names does
    /// not matter.
    ///
    /// A value that is not UTF-8 counts as empty; but a content type is cut before its first
    /// ill-formed byte if that byte is in a parameter, because parameters do not matter.
    pub fn new<V>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a V)>) -> Self
    where
        V: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut head = Self::from(status);
        for (name, value) in headers {
            let value = value.as_ref();
            let text = str::from_utf8(value).unwrap_or_default();
            if name.eq_ignore_ascii_case("content-type") {
                let valid = value.utf8_chunks().next().map_or("", |chunk| chunk.valid());
                head.content_type = Some(if valid.contains(';') { valid } else { text });
            } else if name.eq_ignore_ascii_case("retry-after") {
                head.retry_after = Some(text);
            } else if name.eq_ignore_ascii_case("date") {
                head.date = Some(text);
            } else if name.eq_ignore_ascii_case("content-encoding") {
                head.content_encoding =
                    head.content_encoding.or_else(|| ContentCoding::first(value, &["identity"]));
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.transfer_encoding =
                    head.transfer_encoding.or_else(|| ContentCoding::first(value, &["identity", "chunked"]));
            }
        }
        head
    }
}

impl From<u16> for ResponseHead<'_> {
    /// The head of a response that has a status and no header.
    fn from(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            content_encoding: None,
            transfer_encoding: None,
            retry_after: None,
            date: None,
        }
    }
}

/// Name of a content coding (RFC 9110, 8.4.1) or of a transfer coding (RFC 9112, 7), as the
/// response spells it, cut to 31 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentCoding {
    name: [u8; Self::LIMIT],
    length: u8,
}

impl ContentCoding {
    const LIMIT: usize = 31;

    /// The first coding in the value of a header that is none of the `plain` ones, which leave the
    /// content as it is.
    fn first(value: &[u8], plain: &[&str]) -> Option<Self> {
        let is_plain = |coding: &[u8]| plain.iter().any(|name| coding.eq_ignore_ascii_case(name.as_bytes()));
        let mut codings = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        codings.find(|coding| !coding.is_empty() && !is_plain(coding)).map(Self::new)
    }

    fn new(coding: &[u8]) -> Self {
        let mut name = [0; Self::LIMIT];
        let length = coding.len().min(Self::LIMIT);
        for (to, &from) in name.iter_mut().zip(coding) {
            *to = if from.is_ascii_graphic() { from } else { b'?' };
        }
        // At most `LIMIT`.
        Self { name, length: length as u8 }
    }

    /// The name of the coding, such as `gzip`.
    pub fn as_str(&self) -> &str {
        // Each byte is visible ASCII.
        core::str::from_utf8(&self.name[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
