//! The parser: lines → events, whatever the chunks (9.2.6).

use alloc::string::String;
use core::mem;
use core::time::Duration;

use super::block::{Block, Place};
use super::cut::State;
use super::event::{Completed, DEFAULT, Event, Finish, Frame, LINE, Step};
use super::fast;
use super::limits::Limits;
use super::line::Lines;
use super::scan::{self, Name};
use super::take::{Became, Taken};
use super::text::{Text, as_str, is_utf8};
use crate::Error;

/// An incremental parser of `text/event-stream`: feed it chunks, take events out.
///
/// **No input is malformed.** Invalid UTF-8 becomes U+FFFD and unknown fields are left out, as the specification wants
/// it; chunks may be cut anywhere. An event that lies whole in a chunk, with one `data` line and valid UTF-8,
/// is borrowed from the chunk; nothing is allocated for it.
///
/// - From the network: [`next_event`](Self::next_event) or [`next_frame`](Self::next_frame), until they return `None`;
///   [`finish`](Self::finish) at the end of the stream.
/// - For code that has to give up the borrow between two calls: [`advance`](Self::advance) and [`frame`](Self::frame).
/// - At any time: [`last_event_id`](Self::last_event_id), [`set_last_event_id`](Self::set_last_event_id),
///   [`retry`](Self::retry), [`skipped`](Self::skipped).
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
#[derive(Clone, Debug)]
pub struct Parser {
    pub(super) phase: Phase,
    pub(super) state: State,
    pub(super) lines: Lines,
    pub(super) block: Block,
    pub(super) retry: Option<Duration>,
    flush: bool,
    pub(super) skipped: u64,
    /// Bytes of the stream consumed before this call, and before this block.
    pub(super) consumed: u64,
    pub(super) block_start: u64,
}

/// What can be done with the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Something has to be looked at first: the state is not `Line`, a line end or a byte order mark may be open, or the
    /// buffers hold an event that was handed out.
    Unready,
    /// It starts a block, and the buffers hold the event before it, which was handed out.
    Stale,
    /// It starts a line.
    Line,
    /// It starts a line and a block: the buffers are empty.
    Block,
}

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self::with_last_event_id("")
    }

    /// A parser at the start of a stream that goes on where another one ended: events without an ID have this one.
    pub fn with_last_event_id(id: impl Into<String>) -> Self {
        Self {
            phase: Phase::Unready,
            state: State::Line,
            lines: Lines::new(),
            block: Block::new(Text::from(id.into())),
            retry: None,
            flush: false,
            skipped: 0,
            consumed: 0,
            block_start: 0,
        }
    }

    /// Sets the room that the stream may take.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.block.limits = limits;
        self
    }

    /// Whether [`finish`](Self::finish) delivers an event that lacks its blank line. Unless set, it is dropped, as the
    /// specification wants it.
    #[must_use]
    pub fn with_flush(mut self, flush: bool) -> Self {
        self.flush = flush;
        self
    }

    /// The next event; `None` when `input` is used up and the next chunk is due.
    ///
    /// `input` is moved past what was read: what a call consumed up to an event, that event was made of. A comment that a
    /// call began to read is lost, though [`next_frame`](Self::next_frame) may come to its end.
    ///
    /// # Errors
    ///
    /// An event or an ID is over its limit. The error stays: every later call returns it.
    #[inline]
    pub fn next_event<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        if self.phase == Phase::Block {
            self.read_block(input)
        } else if let [byte] = **input {
            self.read_byte(byte, input)
        } else {
            self.read_rest(input)
        }
    }

    /// The next frame; `None` when `input` is used up and the next chunk is due.
    ///
    /// A comment or `retry` between the lines of an event is reported before the event, and what was read of the event
    /// until then is copied.
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event).
    pub fn next_frame<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Frame<'a>>, Error> {
        let chunk = *input;
        let step = self.advance(input)?;
        Ok(self.borrow(step, chunk))
    }

    /// Reads up to the end of the next frame and says what it is, without borrowing anything.
    ///
    /// [`next_frame`](Self::next_frame) borrows `self` for as long as its result lives. A function that returns the
    /// frame from one arm of a loop, and goes on with the parser in another, does not compile with it (E0499). With
    /// the pair it does: leave the loop with the [`Step`], then call [`frame`](Self::frame).
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event).
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::{Error, Frame, Parser};
    ///
    /// struct Source<I> {
    ///     parser: Parser,
    ///     chunks: I,
    ///     chunk: Vec<u8>,
    ///     read: usize,
    /// }
    ///
    /// impl<I: Iterator<Item = Vec<u8>>> Source<I> {
    ///     fn next(&mut self) -> Result<Option<Frame<'_>>, Error> {
    ///         let (step, start) = loop {
    ///             let start = self.read;
    ///             let mut input = &self.chunk[start..];
    ///             let step = self.parser.advance(&mut input)?;
    ///             self.read = self.chunk.len() - input.len();
    ///             if !step.needs_data() {
    ///                 break (step, start);
    ///             }
    ///             let Some(chunk) = self.chunks.next() else { return Ok(None) };
    ///             (self.chunk, self.read) = (chunk, 0);
    ///         };
    ///         Ok(self.parser.frame(step, &self.chunk[start..]))
    ///     }
    /// }
    ///
    /// let chunks = vec![b"data: Hel".to_vec(), b"lo\n\n".to_vec()].into_iter();
    /// let mut source = Source { parser: Parser::new(), chunks, chunk: Vec::new(), read: 0 };
    /// assert!(matches!(source.next()?, Some(Frame::Event(event)) if event.data == "Hello"));
    /// assert_eq!(source.next()?, None);
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn advance(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        let mut seen = 0;
        if self.phase == Phase::Block {
            if input.is_empty() && !self.block.is_large() {
                return Ok(Step(Completed::Nothing));
            }
            match self.pass_line(input) {
                Ok(len) => return Ok(Step(Completed::Line(len))),
                Err(len) => seen = len,
            }
        }
        self.read_frame(input, (seen > 0).then_some(seen))
    }

    /// As [`take_line`](Self::take_line), in lengths, which are handed over in registers.
    #[inline(never)]
    fn pass_line(&mut self, input: &mut &[u8]) -> Result<usize, usize> {
        self.take_line(input).map(<[u8]>::len).map_err(Option::unwrap_or_default)
    }

    /// The frame that the last call of [`advance`](Self::advance) completed; `None` if it needs data.
    ///
    /// `chunk` is what `input` was before that call. Values that lie in it are validated again, because nothing proves that
    /// it is the same.
    ///
    /// # Panics
    ///
    /// If `chunk` is another chunk, in which there is no text at the place of a value.
    pub fn frame<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        for place in step.0.places() {
            if let Place::Chunk(start, end) = place {
                let is_text = |value: &[u8]| scan::find(value) == value.len() || is_utf8(value);
                let text = chunk.get(start..end).is_some_and(is_text);
                assert!(text, "`chunk` has to be what `input` was before `advance`");
            }
        }
        self.borrow(step, chunk)
    }

    /// The last event ID string: the ID of the last block that had one, with or without data. Empty if there was none.
    pub fn last_event_id(&self) -> &str {
        self.block.last_event_id()
    }

    /// Sets the last event ID string, which following events have until the stream sets another.
    ///
    /// An ID that the current block has already set is committed at its blank line all the same.
    pub fn set_last_event_id(&mut self, id: impl Into<String>) {
        self.block.replace_last_event_id(Text::from(id.into()));
    }

    /// The reconnection time, if the server has set it.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many blocks were left out because they were over a limit ([`Overflow::Skip`](crate::Overflow::Skip)).
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Ends the stream: an unterminated line or block is dropped, and its ID not committed.
    ///
    /// With [`with_flush`](Self::with_flush), a block that has data is delivered instead. Call this at a clean end alone:
    /// after a broken connection the block may be cut. The parser is then at the start of a new stream.
    pub fn finish(&mut self) -> Finish<'_> {
        if matches!(self.state, State::Failed(_)) {
            return Finish::Dropped;
        }
        if self.block.is_stale() {
            self.block.clear();
        }
        self.phase = Phase::Unready;
        let lines = mem::take(&mut self.lines);
        (self.consumed, self.block_start) = (0, 0);
        let state = mem::replace(&mut self.state, State::Line);
        let complete = state == State::Line && !lines.in_bom() && self.block.is_empty();
        if self.flush && self.end_line(state).is_ok() && self.block.has_data() {
            self.block.set_stale();
            return Finish::Flushed(self.block.borrow(Place::Buffer, Place::Buffer, &[]));
        }
        self.block.clear();
        if complete { Finish::Complete } else { Finish::Dropped }
    }

    /// What [`next_event`](Self::next_event) does at the start of a block. The most ordinary event, one line of ASCII, is
    /// taken here, in a function that needs little else; the rest is for [`read_event`](Self::read_event).
    #[inline(never)]
    fn read_block<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        match self.take_line(input) {
            Ok(data) => {
                Ok(Some(Event { event: DEFAULT, data: as_str(data), id: self.block.last_event_id() }))
            }
            Err(seen) => match **input {
                [byte] => self.read_other_byte(byte, input),
                _ => self.read_event(input, seen.map(|len| (len, true))),
            },
        }
    }

    /// Takes the most ordinary event, if that comes next: its data, which is ASCII. Else the length of [`fast::data`], if
    /// there is any.
    #[inline(always)]
    pub(super) fn take_line<'c>(&mut self, input: &mut &'c [u8]) -> Result<&'c [u8], Option<usize>> {
        let Some((data, rest)) = fast::data(input) else { return Err(None) };
        match rest {
            [b'\n', b'\n', rest @ ..] if data.len() <= self.block.limits.event => {
                self.consumed += (input.len() - rest.len()) as u64;
                self.block_start = self.consumed;
                *input = rest;
                Ok(data)
            }
            _ => Err(Some(data.len())),
        }
    }

    /// What [`advance`](Self::advance) does but for the most ordinary; `seen` as [`take_line`](Self::take_line) says.
    #[inline(never)]
    fn read_frame(&mut self, input: &mut &[u8], seen: Option<usize>) -> Result<Step, Error> {
        if let [byte] = **input {
            let taken = self.take_usual_byte(byte);
            let became = if taken { Became::Taken } else { self.take_other_byte::<true>(byte) };
            if became != Became::Left {
                *input = &[];
                return Ok(Step(match became {
                    Became::Event => Completed::Event { event: Place::Buffer, data: Place::Buffer },
                    _ => Completed::Nothing,
                }));
            }
        }
        self.step::<true>(input, true, seen).map(Step)
    }

    /// What [`next_event`](Self::next_event) does within a block. The most ordinary chunk lies within a line of data.
    #[inline(never)]
    fn read_rest<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        let mut piece = None;
        if self.state == State::Value(Name::Data) {
            let (len, ascii) = *piece.insert(scan::middle(input));
            if len == input.len() && self.block.push_piece(input, ascii) {
                self.consumed += len as u64;
                *input = &[];
                return Ok(None);
            }
        } else if input.is_empty() && self.phase == Phase::Stale {
            return Ok(None);
        }
        self.read_event(input, piece)
    }

    /// What [`next_event`](Self::next_event) does but for the most ordinary. `piece` is what is known of the chunk already:
    /// within a line of data what [`scan::piece`] says of it, at the start of a block how long [`fast::data`] is.
    #[inline(never)]
    pub(super) fn read_event<'a, 'c: 'a>(
        &'a mut self,
        input: &mut &'c [u8],
        mut piece: Option<(usize, bool)>,
    ) -> Result<Option<Event<'a>>, Error> {
        if input.is_empty() && self.phase == Phase::Block && !self.block.is_large() {
            return Ok(None);
        }
        if self.phase < Phase::Line {
            self.clear_cr(input);
            self.clear_stale();
        }
        if self.skip_comments(input) && input.is_empty() {
            return Ok(None);
        }
        let mut fast = true;
        if self.phase == Phase::Block {
            fast = false;
            let seen = piece.replace((0, true)).map(|(len, _)| len);
            if let Taken::Event(whole) = self.take_block(input, seen) {
                return Ok(Some(Event {
                    event: if whole.event.is_empty() { DEFAULT } else { as_str(whole.event) },
                    data: as_str(whole.data),
                    id: self.block.last_event_id(),
                }));
            }
        }
        if self.state == State::Value(Name::Data) {
            match self.take_data(input, piece.unwrap_or_else(|| scan::piece(input))) {
                Became::Taken => return Ok(None),
                Became::Event => return Ok(Some(self.block.borrow(Place::Buffer, Place::Buffer, &[]))),
                Became::Left => {}
            }
        }
        let chunk = *input;
        Ok(match self.step::<false>(input, fast, None)? {
            Completed::Event { event, data } => Some(self.block.borrow(event, data, chunk)),
            _ => None,
        })
    }

    /// As [`frame`](Self::frame), for a `chunk` that the caller vouches for.
    #[inline]
    pub(crate) fn borrow<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        match step.0 {
            Completed::Nothing => None,
            Completed::Line(len) => Some(Frame::Event(Event {
                event: DEFAULT,
                data: as_str(&chunk[LINE..LINE + len]),
                id: self.block.last_event_id(),
            })),
            Completed::Event { event, data } => Some(Frame::Event(self.block.borrow(event, data, chunk))),
            Completed::Comment(comment) => Some(Frame::Comment(self.block.borrow_comment(comment, chunk))),
            Completed::Retry(time) => Some(Frame::Retry(time)),
            Completed::Skipped { bytes } => Some(Frame::Skipped { bytes }),
        }
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}
