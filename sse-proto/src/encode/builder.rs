//! One event, or a comment between events, to the text of the stream.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use memchr::{memchr_iter, memchr2, memchr3, memmem};

use super::EncodeError;

/// Builds one event and writes it as `text/event-stream`.
///
/// **Whatever the values are, the reader gets one event with these fields and nothing else.** Line breaks in
/// data and comments (CR, LF, CRLF) start a further line of the same field; where the format has no way to
/// carry a character, the method refuses it.
///
/// The builder borrows its values: nothing is copied or allocated before encoding, and
/// [`encode`](Self::encode) allocates once, exactly [`encoded_len`](Self::encoded_len) bytes.
///
/// A field that is set again behaves as it does when a client reads it (WHATWG HTML 9.2.6): the last event
/// type, ID and retry count; data and comments add up, line by line. Fields are written in the order comment,
/// event, id, retry, data. With any field but comments the event ends with its blank line; comments alone
/// need none, and an empty builder writes nothing.
///
/// # What a client makes of it
///
/// Line breaks arrive as LF. An empty event type arrives as `message`. **An event without
/// [`data`](Self::data) is not dispatched**: its ID and retry take effect, its type is forgotten. Data that
/// is empty, `.data("")`, is dispatched.
///
/// # Example
///
/// ```
/// use sse_proto::EventBuilder;
///
/// let wire = EventBuilder::new().event("chat")?.id("7")?.data("Hello,\nworld").encode();
/// assert_eq!(wire, "event: chat\nid: 7\ndata: Hello,\ndata: world\n\n");
/// # Ok::<(), sse_proto::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventBuilder<'a> {
    comment: Texts<'a>,
    event: Option<&'a str>,
    id: Option<&'a str>,
    /// In milliseconds.
    retry: Option<u64>,
    data: Texts<'a>,
}

impl<'a> EventBuilder<'a> {
    /// An event without any field, which encodes to nothing.
    pub const fn new() -> Self {
        Self { comment: Texts::new(), event: None, id: None, retry: None, data: Texts::new() }
    }

    /// Sets the event type.
    ///
    /// # Errors
    ///
    /// If it contains CR or LF.
    pub fn event(mut self, event: &'a str) -> Result<Self, EncodeError> {
        if memchr2(b'\r', b'\n', event.as_bytes()).is_some() {
            EncodeError::check("event", event, &['\r', '\n'])?;
        }
        self.event = Some(event);
        Ok(self)
    }

    /// Sets the event's ID, which becomes the client's last event ID; the empty one makes it forget its own.
    ///
    /// # Errors
    ///
    /// If it contains CR, LF or NUL.
    pub fn id(mut self, id: &'a str) -> Result<Self, EncodeError> {
        if memchr3(b'\r', b'\n', b'\0', id.as_bytes()).is_some() {
            EncodeError::check("id", id, &['\r', '\n', '\0'])?;
        }
        self.id = Some(id);
        Ok(self)
    }

    /// The ID that was set: what becomes the client's last event ID.
    pub fn last_event_id(&self) -> Option<&'a str> {
        self.id
    }

    /// Adds data, which follows earlier data on a new line.
    pub fn data(mut self, data: &'a str) -> Self {
        self.data.push(data);
        self
    }

    /// Sets the reconnection time, in whole milliseconds, rounded up; at most `u64::MAX` of them.
    ///
    /// Up, because a wish for little must not become one for no delay at all.
    pub fn retry(mut self, retry: Duration) -> Self {
        let milliseconds = retry.as_nanos().div_ceil(1_000_000);
        self.retry = Some(u64::try_from(milliseconds).unwrap_or(u64::MAX));
        self
    }

    /// Adds a comment, which clients do not dispatch; it follows earlier comments on a new line.
    pub fn comment(mut self, comment: &'a str) -> Self {
        self.comment.push(comment);
        self
    }

    /// Writes the event to the end of `out`.
    ///
    /// # Errors
    ///
    /// Those of `out`; `String` has none.
    pub fn encode_into(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.comment.write("\n: ", out)?;
        for (name, value) in [("event: ", self.event), ("id: ", self.id)] {
            if let Some(value) = value {
                out.write_str(name)?;
                out.write_str(value)?;
                out.write_str("\n")?;
            }
        }
        if let Some(retry) = self.retry {
            writeln!(out, "retry: {retry}")?;
        }
        self.data.write("\ndata: ", out)?;
        if self.has_field() { out.write_str("\n") } else { Ok(()) }
    }

    /// The event as a string, in one allocation.
    pub fn encode(&self) -> String {
        let mut wire = String::with_capacity(self.encoded_len());
        self.encode_into(&mut wire).expect("a string takes everything");
        wire
    }

    /// The length of the encoded event in bytes.
    pub fn encoded_len(&self) -> usize {
        self.comment.encoded_len(": ")
            + self.event.map_or(0, |event| "event: \n".len() + event.len())
            + self.id.map_or(0, |id| "id: \n".len() + id.len())
            + self
                .retry
                .map_or(0, |retry| "retry: \n".len() + 1 + retry.checked_ilog10().unwrap_or(0) as usize)
            + self.data.encoded_len("data: ")
            + usize::from(self.has_field())
    }

    fn has_field(&self) -> bool {
        self.event.is_some() || self.id.is_some() || self.retry.is_some() || self.data.first.is_some()
    }
}

/// The texts of a field that may be given several times; only the second one costs an allocation.
#[derive(Clone, Debug, Default)]
struct Texts<'a> {
    first: Option<&'a str>,
    more: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    const fn new() -> Self {
        Self { first: None, more: Vec::new() }
    }

    fn push(&mut self, text: &'a str) {
        match self.first {
            None => self.first = Some(text),
            Some(_) => self.more.push(text),
        }
    }

    fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.first.iter().chain(&self.more).copied()
    }

    /// Writes the lines; `start` is what comes before each but the first: the end of the one before, and the name.
    fn write(&self, start: &str, out: &mut impl fmt::Write) -> fmt::Result {
        let mut lines = self.texts().flat_map(|text| Lines { rest: Some(text) });
        let Some(first) = lines.next() else { return Ok(()) };
        out.write_str(&start[1..])?;
        out.write_str(first)?;
        for line in lines {
            out.write_str(start)?;
            out.write_str(line)?;
        }
        out.write_str("\n")
    }

    fn encoded_len(&self, name: &str) -> usize {
        self.texts()
            .map(|text| {
                let bytes = text.as_bytes();
                let lf = memchr_iter(b'\n', bytes).count();
                let cr = memchr_iter(b'\r', bytes).count();
                let crlf = if cr > 0 { memmem::find_iter(bytes, "\r\n").count() } else { 0 };
                text.len() - lf - cr + (1 + lf + cr - crlf) * (name.len() + 1)
            })
            .sum()
    }
}

/// Splits at CR, LF and CRLF, and at nothing else. `str::lines` does not: it keeps a lone CR and drops an
/// empty last line.
struct Lines<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let Some(end) = memchr2(b'\r', b'\n', text.as_bytes()) else {
            self.rest = None;
            return Some(text);
        };
        let (line, rest) = text.split_at(end);
        self.rest = Some(rest.strip_prefix("\r\n").unwrap_or(&rest[1..]));
        Some(line)
    }
}
