//! Builder that encodes one event, or a comment between events.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::{EncodeError, HeartbeatError};

/// Builds one event and writes it as `text/event-stream`.
///
/// **Whatever the values are, the reader gets one event with these fields and nothing else.** Line
/// breaks in data and comments (CR, LF, CRLF) start a further line of the same field; a method
/// refuses a character that the format cannot carry in its field.
///
/// The builder borrows its values: nothing is copied or allocated before encoding, and
/// [`encode`](Self::encode) allocates once, exactly [`encoded_len`](Self::encoded_len) bytes.
///
/// A field that is set twice behaves as it does on the wire (WHATWG HTML 9.2.6): the last event
/// type, ID and retry win; data and comments add up, line by line. Fields are written in the order
/// comment, event, retry, data, id. The ID is last because some clients take an ID as soon as its
/// line is complete, though it counts only from the blank line on (9.2.6): if the connection breaks
/// within the event, such a client would resume after the cut event, and never get it. With any
/// field but comments the event ends with its blank line; comments alone need none, and an empty
/// builder writes nothing.
///
/// # How a client reads the event
///
/// Line breaks arrive as LF. An empty event type arrives as `message`. **An event without
/// [`data`](Self::data) is not dispatched**: its ID and retry take effect, its type is forgotten.
/// Data that is empty, `.data("")`, is dispatched.
///
/// # Example
///
/// ```
/// use sse_proto::EventBuilder;
///
/// let wire = EventBuilder::new().event("chat")?.id("7")?.data("Hello,\nworld").encode();
/// assert_eq!(wire, "event: chat\ndata: Hello,\ndata: world\nid: 7\n\n");
/// # Ok::<(), sse_proto::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventBuilder<'a> {
    comment: Texts<'a>,
    event: Option<&'a str>,
    id: Option<&'a str>,
    /// The reconnection time in milliseconds.
    retry: Option<u64>,
    data: Texts<'a>,
}

impl<'a> EventBuilder<'a> {
    /// Creates an event without fields, which encodes to nothing.
    pub const fn new() -> Self {
        Self { comment: Texts::new(), event: None, id: None, retry: None, data: Texts::new() }
    }

    /// Creates an event of this type with empty data and without an ID: a keep-alive that an
    /// `EventSource` dispatches, unlike a comment (WHATWG HTML 9.2.6). The client's last event ID
    /// does not change, so the event does not affect where the client resumes.
    ///
    /// # Errors
    ///
    /// If the type contains CR or LF, or if a client has handlers for it that would get the
    /// heartbeat: it is empty, `message`, `open` or `error`.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::EventBuilder;
    ///
    /// assert_eq!(EventBuilder::heartbeat("alive")?.encode(), "event: alive\ndata: \n\n");
    /// assert!(EventBuilder::heartbeat("message").is_err());
    /// # Ok::<(), sse_proto::HeartbeatError>(())
    /// ```
    pub fn heartbeat(event_type: &'a str) -> Result<Self, HeartbeatError> {
        HeartbeatError::check(event_type)?;
        Ok(Self::new().event(event_type)?.data(""))
    }

    /// Sets the event type.
    ///
    /// # Errors
    ///
    /// If the type contains CR or LF.
    #[inline]
    pub fn event(mut self, event: &'a str) -> Result<Self, EncodeError> {
        if memchr2(b'\r', b'\n', event.as_bytes()).is_some() {
            EncodeError::check("event", event, &['\r', '\n'])?;
        }
        self.event = Some(event);
        Ok(self)
    }

    /// Sets the event's ID, which becomes the client's last event ID; an empty ID makes the client
    /// forget its last event ID.
    ///
    /// # Errors
    ///
    /// If the ID contains CR, LF or NUL.
    #[inline]
    pub fn id(mut self, id: &'a str) -> Result<Self, EncodeError> {
        if memchr3(b'\r', b'\n', b'\0', id.as_bytes()).is_some() {
            EncodeError::check("id", id, &['\r', '\n', '\0'])?;
        }
        self.id = Some(id);
        Ok(self)
    }

    /// The ID that was set, which becomes the client's last event ID.
    pub fn last_event_id(&self) -> Option<&'a str> {
        self.id
    }

    /// Removes the ID, for a log that assigns IDs itself.
    pub const fn without_id(mut self) -> Self {
        self.id = None;
        self
    }

    /// Adds data, which follows earlier data on a new line.
    #[inline]
    pub fn data(mut self, data: &'a str) -> Self {
        self.data.push(data);
        self
    }

    /// Sets the reconnection time, in whole milliseconds, rounded up; at most `u64::MAX` of them.
    ///
    /// Rounded up, because a short delay must not become no delay at all.
    #[inline]
    pub fn retry(mut self, retry: Duration) -> Self {
        let milliseconds = retry.as_nanos().div_ceil(1_000_000);
        self.retry = Some(u64::try_from(milliseconds).unwrap_or(u64::MAX));
        self
    }

    /// Adds a comment, which clients do not dispatch; it follows earlier comments on a new line.
    #[inline]
    pub fn comment(mut self, comment: &'a str) -> Self {
        self.comment.push(comment);
        self
    }

    /// Appends the encoded event to `out`.
    ///
    /// # Errors
    ///
    /// If `out` fails to write; a `String` never does.
    pub fn encode_into(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.comment.write("\n: ", out)?;
        if let Some(event) = self.event {
            write_line("event: ", event, out)?;
        }
        if let Some(retry) = self.retry {
            writeln!(out, "retry: {retry}")?;
        }
        self.data.write("\ndata: ", out)?;
        if let Some(id) = self.id {
            write_line("id: ", id, out)?;
        }
        if self.has_field() { out.write_str("\n") } else { Ok(()) }
    }

    /// Encodes the event into a new string, in one allocation.
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

#[inline]
fn write_line(name: &str, value: &str, out: &mut impl fmt::Write) -> fmt::Result {
    out.write_str(name)?;
    out.write_str(value)?;
    out.write_str("\n")
}

/// Texts of a field that may be set several times; only the second text costs an allocation.
#[derive(Clone, Debug, Default)]
struct Texts<'a> {
    /// The first line of the first text, usually all of it: the text is searched for line breaks
    /// once.
    first: Option<&'a str>,
    /// The part of the first text after its first line break.
    rest: Option<&'a str>,
    more: Vec<&'a str>,
}

impl<'a> Texts<'a> {
    const fn new() -> Self {
        Self { first: None, rest: None, more: Vec::new() }
    }

    #[inline]
    fn push(&mut self, text: &'a str) {
        if self.first.is_some() {
            self.more.push(text);
        } else {
            let mut lines = Lines { rest: Some(text) };
            (self.first, self.rest) = (lines.next(), lines.rest);
        }
    }

    /// Everything after the first line: the rest of the first text, and the other texts.
    fn more(&self) -> impl Iterator<Item = &'a str> {
        self.rest.iter().chain(&self.more).copied()
    }

    /// Writes the lines. `start` precedes each line but the first: the line end before it, and the
    /// name of the field.
    #[inline(always)]
    fn write(&self, start: &str, out: &mut impl fmt::Write) -> fmt::Result {
        let Some(first) = self.first else { return Ok(()) };
        out.write_str(&start[1..])?;
        out.write_str(first)?;
        if self.rest.is_some() || !self.more.is_empty() {
            self.write_more(start, out)?;
        }
        out.write_str("\n")
    }

    /// Writes the lines after the first. Inlined, so that a constant `start` is copied by a single
    /// store instruction.
    #[inline(always)]
    fn write_more(&self, start: &str, out: &mut impl fmt::Write) -> fmt::Result {
        for text in self.more() {
            for line in (Lines { rest: Some(text) }) {
                out.write_str(start)?;
                out.write_str(line)?;
            }
        }
        Ok(())
    }

    fn encoded_len(&self, name: &str) -> usize {
        let Some(first) = self.first else { return 0 };
        let line = name.len() + "\n".len();
        let more = self.more().map(|text| {
            let (breaks, bytes) = line_breaks(text.as_bytes());
            text.len() - bytes + (1 + breaks) * line
        });
        first.len() + line + more.sum::<usize>()
    }
}

/// Counts the line breaks (CR, LF, CRLF) of a text, and the bytes that they take.
fn line_breaks(text: &[u8]) -> (usize, usize) {
    if memchr(b'\r', text).is_none() {
        let breaks = memchr_iter(b'\n', text).count();
        return (breaks, breaks);
    }
    // One-byte sums become vector instructions. A part has at most 255 places, a multiple of the
    // vectors' widths.
    const PART: usize = 224;
    let (mut breaks, mut bytes) = (0, 0);
    let places = text.len() - 1;
    for start in (0..places).step_by(PART) {
        let end = places.min(start + PART);
        let (mut ends, mut crlfs) = (0u8, 0u8);
        for (&byte, &next) in text[start..end].iter().zip(&text[start + 1..=end]) {
            ends += u8::from((byte == b'\r') | (byte == b'\n'));
            crlfs += u8::from((byte == b'\r') & (next == b'\n'));
        }
        bytes += usize::from(ends);
        breaks += usize::from(ends - crlfs);
    }
    let last = usize::from(matches!(text.last(), Some(b'\r' | b'\n')));
    (breaks + last, bytes + last)
}

/// Splits at CR, LF and CRLF, and at nothing else. `str::lines` does not: it keeps a lone CR and
/// drops an empty last line.
struct Lines<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    #[inline]
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
