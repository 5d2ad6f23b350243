//! Settings and accessors of the parser, and the end of its stream.

use core::time::Duration;

use super::block::Block;
use super::field::Kind;
use super::push::{Done, State};
use crate::{Error, Event, Limits};

/// An incremental parser of `text/event-stream`: it takes chunks and returns events.
///
/// **No input is malformed.** Invalid UTF-8 becomes U+FFFD and unknown fields are ignored (9.2.6);
/// chunks may be cut anywhere. An event that is complete in a chunk, with one `data` line and valid
/// UTF-8, is borrowed from the chunk; nothing is allocated for it, unless its ID has more than 40
/// bytes.
///
/// - From the network: [`next_event`](Self::next_event) or [`next_frame`](Self::next_frame), until
///   they return `None`; [`finish`](Self::finish) at the end of the stream.
/// - For code that cannot hold the borrow between two calls: [`advance`](Self::advance) and
///   [`frame`](Self::frame).
/// - For the next connection: [`restart`](Self::restart),
///   [`set_last_event_id`](Self::set_last_event_id).
/// - At any time: [`last_event_id`](Self::last_event_id), [`retry`](Self::retry),
///   [`skipped`](Self::skipped), [`span`](Self::span).
///
/// # Example
///
/// ```
/// use sse_proto::Parser;
///
/// let mut parser = Parser::new();
/// let mut seen = Vec::new();
/// for chunk in ["data: Hel", "lo\n\nevent: add\nid: 7\ndata: 1\n\n"] {
///     let mut input = chunk.as_bytes();
///     while let Some(event) = parser.next_event(&mut input)? {
///         seen.push(format!("{}={}", event.event, event.data));
///     }
/// }
/// assert_eq!(seen, ["message=Hello", "add=1"]);
/// assert_eq!(parser.last_event_id(), "7");
/// # Ok::<(), sse_proto::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Parser {
    pub(super) state: State,
    pub(super) block: Block,
    deliver_unterminated: bool,
    pub(super) skipped: u64,
    /// The size of the last skipped block, without its blank line.
    pub(super) skipped_bytes: u64,
    /// How many bytes of the current block are consumed.
    pub(super) block_len: u64,
    /// The size of the block before, with its blank line.
    pub(super) last_len: u64,
}

impl Parser {
    /// Creates a parser at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a parser with a last event ID from an earlier stream: events without an ID get this
    /// ID (9.2.6).
    pub fn with_last_event_id(id: impl AsRef<str>) -> Self {
        let mut parser = Self::new();
        parser.set_last_event_id(id);
        parser
    }

    /// Sets the limits of the sizes of events and IDs.
    ///
    /// For a parser that has read a part of a block: the limits hold from the next block on; the
    /// rest of this block is measured by the old or the new ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.block.limits = limits;
        self
    }

    /// Sets whether [`finish`](Self::finish) delivers an event that lacks its blank line. Default
    /// false: the event is dropped (9.2.6).
    #[must_use]
    pub fn with_deliver_unterminated(mut self, deliver: bool) -> Self {
        self.deliver_unterminated = deliver;
        self
    }

    /// Whether [`next_frame`](Self::next_frame) reports lines without effect as
    /// [`Frame::Ignored`](crate::Frame::Ignored): for a developer who looks for what a server gets
    /// wrong. Default false. With diagnostics the parser borrows less from the chunk, and is
    /// slower.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: bool) -> Self {
        self.block.set_diagnose(diagnostics);
        self
    }

    /// The last event ID string (9.2.6): the ID of the last block that set one, with or without
    /// data. Empty if there was none.
    pub fn last_event_id(&self) -> &str {
        self.block.last_event_id()
    }

    /// Sets the last event ID string, which the next events get until the stream sets another.
    ///
    /// An ID that the current block has already set is still committed at the blank line.
    pub fn set_last_event_id(&mut self, id: impl AsRef<str>) {
        self.block.set_last_event_id(id.as_ref());
    }

    /// The reconnection time, if the server has set it.
    pub fn retry(&self) -> Option<Duration> {
        self.block.retry
    }

    /// How many blocks were skipped because they were over a limit
    /// ([`Overflow::Skip`](crate::Overflow::Skip)). A block counts at its blank line.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of bytes of the last returned event, from its first line to its blank line, for
    /// gateways that forward the bytes themselves. The bytes end where `input` starts now.
    ///
    /// A blank line that a chunk cuts between CR and LF ends at the CR. The event may have begun in
    /// an earlier chunk. A skipped block has a span too. After any other call the number has no
    /// meaning.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::Parser;
    ///
    /// let chunk = b": hello\n\nid: 7\ndata: x\n\ndata: y\n\n";
    /// let (mut parser, mut input) = (Parser::new(), &chunk[..]);
    /// assert!(parser.next_event(&mut input)?.is_some());
    /// let end = chunk.len() - input.len();
    /// assert_eq!(&chunk[end - parser.span() as usize..end], b"id: 7\ndata: x\n\n");
    /// # Ok::<(), sse_proto::Error>(())
    /// ```
    pub fn span(&self) -> u64 {
        self.last_len
    }

    /// Ends the stream: an unterminated line or block is dropped, and its ID is not committed
    /// (9.2.6). An unterminated comment is not part of an event: the stream is complete without it.
    ///
    /// With [`with_deliver_unterminated`](Self::with_deliver_unterminated), a block that has data
    /// is delivered instead. Call this only at a clean end: after a broken connection the block may
    /// be cut. The parser is then at the start of a new stream, unless it has failed.
    pub fn finish(&mut self) -> Finish<'_> {
        let complete = self.is_complete();
        let flushed = self.deliver_unterminated && !complete && self.end_lines();
        if let State::Failed(_) = self.state {
            return Finish::Dropped;
        }
        self.begin_stream();
        if flushed {
            // SAFETY: it was dispatched just now, and `begin_stream` touches no buffer.
            #[expect(unsafe_code, reason = "see `Text::as_str`")]
            return Finish::Flushed(unsafe { self.block.event() });
        }
        self.block.clear();
        if complete { Finish::Complete } else { Finish::Dropped }
    }

    /// Whether a call without input would change nothing, and return nothing.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Block && !self.block.is_large()
    }

    /// Whether no block and no value has begun.
    pub(super) fn is_between_blocks(&self) -> bool {
        self.block.is_empty() && matches!(self.state, State::Block | State::Cr)
    }

    /// Ends the line and the block as line ends would; true if that completes an event.
    fn end_lines(&mut self) -> bool {
        let retry = self.block.retry;
        if matches!(self.state, State::Name(_) | State::Colon(_) | State::Value(_) | State::Cr) {
            self.push::<false>(&mut &b"\n"[..]);
        }
        // The reconnection time and the ID may be cut.
        self.block.retry = retry;
        self.block.drop_id();
        self.block.has_data() && self.push::<false>(&mut &b"\n"[..]) == Done::Event
    }

    /// Begins a new stream, as after a lost connection: drops unfinished lines and blocks, and a
    /// failure.
    ///
    /// The last event ID, the reconnection time, the limits and the count of skipped blocks stay.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::Parser;
    ///
    /// let mut parser = Parser::new();
    /// assert_eq!(parser.next_event(&mut &b"id: 7\n\ndata: cut he"[..])?, None);
    /// parser.restart();
    /// let event = parser.next_event(&mut &b"data: x\n\n"[..])?.map(|event| (event.data, event.id));
    /// assert_eq!(event, Some(("x", "7")));
    /// # Ok::<(), sse_proto::Error>(())
    /// ```
    pub fn restart(&mut self) {
        self.block.clear();
        self.begin_stream();
    }

    fn begin_stream(&mut self) {
        self.state = State::default();
        (self.block_len, self.last_len) = (0, 0);
    }

    /// Whether the end of the stream discards nothing of an event (9.2.6): no data, type or ID
    /// since the last blank line, and no line of a field is cut. A comment, whole or cut, is not
    /// part of an event.
    fn is_complete(&self) -> bool {
        match self.state {
            State::Bom(seen) => seen == 0,
            State::Block | State::Cr => self.block.is_empty(),
            State::Colon(kind) | State::Value(kind) => {
                matches!(kind, Kind::Comment | Kind::Unreported) && self.block.is_empty()
            }
            _ => false,
        }
    }

    /// The error of a parser that has failed; the rest of the chunk has no meaning.
    #[cold]
    pub(super) fn error(&self, input: &mut &[u8]) -> Error {
        *input = &input[input.len()..];
        match self.state {
            State::Failed(Kind::Id) => Error::IdTooLong { limit: self.block.limits.id },
            _ => Error::EventTooLong { limit: self.block.limits.event },
        }
    }
}

/// State of the parser at the end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish<'a> {
    /// Nothing of an event: since the last blank line there was no data, type or ID, and the last
    /// line is complete or a comment.
    Complete,
    /// The stream ended inside a line or block, which was dropped (9.2.6).
    Dropped,
    /// The stream ended inside a block with data, which is delivered because
    /// [`with_deliver_unterminated`](crate::Parser::with_deliver_unterminated) is set.
    ///
    /// Its `id` is the last committed ID, because the ID of the block itself may be cut.
    Flushed(Event<'a>),
}
