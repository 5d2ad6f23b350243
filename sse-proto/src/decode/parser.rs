//! The parser: lines → events, whatever the chunks (9.2.6).

use alloc::string::String;
use core::mem;
use core::str::from_utf8;
use core::time::Duration;

use super::block::{Block, Len, Place};
use super::event::{Completed, Event, Finish, Frame, Step};
use super::fast::{self, Whole};
use super::field::{self, Field};
use super::line::Lines;
use super::scan::{self, Name};
use super::text::{Text, as_str};
use crate::Error;

/// The room that a stream may take, in bytes as they come on the wire.
///
/// Whatever the peer sends, a parser holds one event and one other value, and so much more than their limits as it takes to
/// replace ill-formed bytes by U+FFFD (three bytes for one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest event, its data and its type taken together; also the longest comment. 16 MiB unless set.
    pub event: usize,
    /// The longest event ID. 4 KiB unless set.
    pub id: usize,
    /// What happens past a limit.
    pub overflow: Overflow,
}

impl Default for Limits {
    fn default() -> Self {
        Self { event: 16 << 20, id: 4 << 10, overflow: Overflow::Fail }
    }
}

/// What happens when an event, a comment or an ID is over its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The parser fails for good. A client does not connect again: it would be sent the same event.
    #[default]
    Fail,
    /// The block is left out, up to its blank line, and reported as [`Frame::Skipped`]. Its ID is not committed.
    Skip,
}

/// An incremental parser of `text/event-stream`: feed it chunks, take events out.
///
/// **No input is malformed.** Invalid UTF-8 becomes U+FFFD and unknown fields are left out, as the specification wants
/// it; chunks may be cut anywhere. An event that lies whole in a chunk, with one `data` line and valid UTF-8,
/// is borrowed from the chunk; nothing is allocated for it.
///
/// - From the network: [`next_event`](Self::next_event) or [`next_frame`](Self::next_frame), until they return `None`;
///   [`finish`](Self::finish) at the end of the stream.
/// - For code that has to give up the borrow between two calls: [`advance`](Self::advance) and [`frame`](Self::frame).
/// - At any time: [`last_event_id`](Self::last_event_id), [`retry`](Self::retry), [`skipped`](Self::skipped).
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
    phase: Phase,
    state: State,
    lines: Lines,
    block: Block,
    retry: Option<Duration>,
    flush: bool,
    skipped: u64,
    /// Bytes of the stream consumed before this call, and before this block.
    consumed: u64,
    block_start: u64,
}

/// What can be done with the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Something has to be looked at first: the state is not `Line`, a line end or a byte order mark may be open, or the
    /// buffers hold an event that was handed out.
    Unready,
    /// It starts a line.
    Line,
    /// It starts a line and a block: the buffers are empty.
    Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between two lines.
    Line,
    /// In a line that a chunk cut, so early that its field is not known.
    Head { bytes: [u8; HEAD], len: usize },
    /// In the value of a line that a chunk cut.
    Value(Name),
    /// In a block that is left out; `in_line` unless between two of its lines.
    Skipping { in_line: bool },
    /// Over a limit, for good.
    Failed(Error),
}

/// What of a block lies in the chunk that is being read.
#[derive(Clone, Copy)]
struct Here {
    data: Option<Place>,
    event: Place,
}

/// The length of `event: ` and `retry: `: by then the field is known, and whether a space has to be removed.
const HEAD: usize = 7;

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
    /// `input` is moved past what was read: what a call consumed up to an event, that event was made of.
    ///
    /// # Errors
    ///
    /// An event or an ID is over its limit. The error stays: every later call returns it.
    #[inline]
    pub fn next_event<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        if let Some(whole) = self.take_whole(input) {
            return Ok(Some(Event {
                event: if whole.event.is_empty() { "message" } else { as_str(whole.event) },
                data: as_str(whole.data),
                id: self.block.last_event_id(),
            }));
        }
        if self.take_middle(input) {
            return Ok(None);
        }
        let chunk = *input;
        Ok(match self.step_plain::<false>(input)? {
            Completed::Event { event, data } => Some(self.block.borrow(event, data, chunk)),
            _ => None,
        })
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
    pub fn advance(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        self.step::<true>(input).map(Step)
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
                let text = chunk.get(start..end).is_some_and(|value| from_utf8(value).is_ok());
                assert!(text, "`chunk` has to be what `input` was before `advance`");
            }
        }
        self.borrow(step, chunk)
    }

    /// The last event ID string: the ID of the last block that had one, with or without data. Empty if there was none.
    pub fn last_event_id(&self) -> &str {
        self.block.last_event_id()
    }

    /// The reconnection time, if the server has set it.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many blocks were left out because they were over a limit ([`Overflow::Skip`]).
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

    /// Takes an event by the fast path, if it can.
    #[inline]
    fn take_whole<'c>(&mut self, input: &mut &'c [u8]) -> Option<Whole<'c>> {
        if self.phase != Phase::Block {
            return None;
        }
        let whole = fast::event(input)?;
        let limits = &self.block.limits;
        if whole.data.len() + whole.event.len() > limits.event {
            return None;
        }
        if let Some(id) = whole.id {
            if id.len() > limits.id {
                return None;
            }
            self.block.set_last_event_id(id);
        }
        self.consumed += (input.len() - whole.rest.len()) as u64;
        self.block_start = self.consumed;
        if whole.rest.is_empty() {
            self.expect_lf(input);
        }
        *input = whole.rest;
        Some(whole)
    }

    /// Takes a chunk that begins and ends within one value, if it is such a one.
    #[inline]
    fn take_middle(&mut self, input: &mut &[u8]) -> bool {
        let State::Value(name) = self.state else { return false };
        let (len, ascii) = match **input {
            [14..0x80] => (1, true),
            _ => scan::piece(input),
        };
        let taken = len == input.len() && self.block.push_middle(name, input, ascii);
        if taken {
            self.consumed += len as u64;
            *input = &[];
        }
        taken
    }

    /// Reads until a frame is completed. Without `FRAMES` that is an event, or nothing.
    #[inline]
    fn step<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Result<Completed, Error> {
        let chunk = *input;
        if let Some(whole) = self.take_whole(input) {
            return Ok(whole.places(chunk));
        }
        if self.take_middle(input) {
            return Ok(Completed::Nothing);
        }
        self.step_plain::<FRAMES>(input)
    }

    /// What [`step`](Self::step) does, without the fast path.
    #[inline(never)]
    fn step_plain<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Result<Completed, Error> {
        let chunk = *input;
        if chunk.is_empty() && self.phase == Phase::Block {
            self.block.clear_value();
            return Ok(Completed::Nothing);
        }
        let completed = loop {
            let progress = if self.phase != Phase::Unready {
                self.read_lines::<FRAMES>(chunk, input)
            } else {
                self.resume::<FRAMES>(chunk, input)
            };
            match progress {
                Ok(Some(completed)) => break Ok(completed),
                Ok(None) => {
                    let consumed = chunk.len() - input.len();
                    if let Some(whole) = self.take_whole(input) {
                        self.consumed += consumed as u64;
                        self.block_start = self.consumed;
                        return Ok(whole.places(chunk));
                    }
                }
                Err(error) => {
                    if let Err(error) = self.overflow(error) {
                        *input = &[];
                        break Err(error);
                    }
                }
            }
        };
        self.consumed += (chunk.len() - input.len()) as u64;
        completed
    }

    /// Reads the lines that lie whole in what is left of the chunk, and the start of the one that does not.
    #[inline]
    fn read_lines<'c, const FRAMES: bool>(
        &mut self,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Result<Option<Completed>, Error> {
        let mut at = chunk.len() - input.len();
        // What of the block is in the chunk. All of it, for most; then nothing is written but the event itself.
        let mut here = Here { data: None, event: Place::Buffer };
        let mut len = self.block.len;
        let completed = loop {
            let line = match scan::line(chunk, at) {
                Ok(line) => line,
                Err(cut) => break Err(cut),
            };
            at = line.next;
            let value = &chunk[line.start..line.end];
            let mut limit = self.block.limits.event;
            let taken = match line.name {
                Name::Data => {
                    if here.data.is_none() && !self.block.has_data() && line.is_utf8(value) {
                        here.data = Some(Place::Chunk(line.start, line.end));
                        len.data = value.len();
                    } else {
                        self.block.len = len;
                        self.join_data(here.data.take(), chunk, value, line.ascii);
                        len.data = self.block.len.data + value.len();
                    }
                    len.data + len.event
                }
                Name::Blank => {
                    self.block.commit_id();
                    self.block_start = self.consumed + at as u64;
                    let in_buffers = self.block.has_data() || self.block.has_event();
                    if let Some(data) = here.data.or(self.block.has_data().then_some(Place::Buffer)) {
                        self.block.len = Len::default();
                        self.phase = if in_buffers { Phase::Unready } else { Phase::Block };
                        if in_buffers {
                            self.block.set_stale();
                        }
                        break Ok(Completed::Event { event: here.event, data });
                    }
                    if in_buffers {
                        self.block.clear_event();
                    }
                    here.event = Place::Buffer;
                    len = Len::default();
                    continue;
                }
                Name::Event => {
                    if self.block.has_event() {
                        self.block.clear_event();
                    }
                    here.event = Place::Chunk(line.start, line.end);
                    if value.is_empty() || !line.is_utf8(value) {
                        here.event = Place::Buffer;
                        self.block.set_event(value);
                    }
                    len.event = value.len();
                    len.data + len.event
                }
                Name::Id => {
                    limit = self.block.limits.id;
                    if value.len() <= limit {
                        self.block.set_id(value, line.ascii);
                    }
                    value.len()
                }
                Name::Comment if FRAMES && value.len() <= limit => {
                    let comment = if line.is_utf8(value) {
                        Place::Chunk(line.start, line.end)
                    } else {
                        self.block.set_comment(value);
                        Place::Buffer
                    };
                    break Ok(Completed::Comment(comment));
                }
                Name::Retry if value.len() <= limit => {
                    match field::retry(value).and_then(|ms| self.set_retry(ms)) {
                        Some(retry) if FRAMES => break Ok(retry),
                        _ => continue,
                    }
                }
                Name::Comment | Name::Retry => value.len(),
                Name::Unknown => continue,
            };
            if taken > limit {
                *input = &chunk[at..];
                if input.is_empty() {
                    self.expect_lf(chunk);
                }
                return Err(match line.name {
                    Name::Id => Error::IdTooLong { limit },
                    _ => Error::EventTooLong { limit },
                });
            }
        };
        *input = &chunk[at..];
        if input.is_empty() {
            self.expect_lf(chunk);
        }
        match completed {
            Ok(Completed::Event { .. }) => {}
            Ok(_) => self.spill(here, len, chunk),
            Err(cut) => {
                self.spill(here, len, chunk);
                self.block.clear_value();
                let rest = mem::take(input);
                if !rest.is_empty() {
                    self.phase = Phase::Unready;
                    self.feed(rest, cut.ascii)?;
                }
                self.block.shrink();
            }
        }
        Ok(Some(completed.unwrap_or(Completed::Nothing)))
    }

    /// Goes on with data of which a first line may be in the chunk.
    fn join_data(&mut self, first: Option<Place>, chunk: &[u8], line: &[u8], ascii: bool) {
        if let Some(Place::Chunk(start, end)) = first {
            self.block.push_data(&chunk[start..end], true);
        }
        self.block.push_data(line, ascii);
    }

    /// Copies what lies in the chunk, which is about to go.
    fn spill(&mut self, here: Here, len: Len, chunk: &[u8]) {
        self.block.len = len;
        if let Some(Place::Chunk(start, end)) = here.data {
            self.block.push_data(&chunk[start..end], true);
        }
        if let Place::Chunk(start, end) = here.event {
            self.block.set_event(&chunk[start..end]);
        }
        if !self.block.is_empty() {
            self.phase = self.phase.min(Phase::Line);
        }
    }

    /// If the chunk ends with the CR of a line end, an LF that starts the next one belongs to it.
    fn expect_lf(&mut self, chunk: &[u8]) {
        if chunk.last() == Some(&b'\r') {
            self.lines.expect_lf();
            self.phase = Phase::Unready;
        }
    }

    /// Does what has to be done before lines can be read whole: goes on with what the last chunk cut.
    fn resume<'c, const FRAMES: bool>(
        &mut self,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Result<Option<Completed>, Error> {
        match self.state {
            State::Value(_) | State::Head { .. } => return self.resume_line::<FRAMES>(input),
            State::Failed(error) => return Err(error),
            State::Line | State::Skipping { .. } => {}
        }
        if self.block.is_stale() {
            self.block.clear();
        }
        let start = self.position(chunk, input);
        let line_start = self.lines.clear(input);
        if self.block_start == start {
            self.block_start = self.position(chunk, input);
        }
        if let Some(bytes) = line_start {
            self.block_start -= bytes.len() as u64;
            self.feed(bytes, false)?;
        }
        if input.is_empty() {
            self.block.clear_value();
            self.block.shrink();
            return Ok(Some(Completed::Nothing));
        }
        match self.state {
            State::Skipping { in_line } => Ok(self.skip::<FRAMES>(in_line, chunk, input)),
            State::Line => {
                self.phase = if self.block.is_empty() { Phase::Block } else { Phase::Line };
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Goes on with the line that the last chunk cut.
    fn resume_line<const FRAMES: bool>(&mut self, input: &mut &[u8]) -> Result<Option<Completed>, Error> {
        let (len, ascii) = scan::piece(input);
        let (bytes, rest) = input.split_at(len);
        let fed = self.feed(bytes, ascii);
        *input = rest;
        if rest.is_empty() {
            return fed.map(|()| Some(Completed::Nothing));
        }
        *input = &rest[self.lines.line_end(rest)..];
        let state = mem::replace(&mut self.state, State::Line);
        fed?;
        let completed = match self.end_line(state)? {
            Name::Comment => Some(Completed::Comment(Place::Buffer)),
            Name::Retry => field::retry(self.block.value().as_bytes()).and_then(|ms| self.set_retry(ms)),
            _ => None,
        };
        Ok(completed.filter(|_| FRAMES))
    }

    /// Takes bytes of a line that the chunk cuts.
    #[inline]
    fn feed(&mut self, bytes: &[u8], ascii: bool) -> Result<(), Error> {
        match self.state {
            State::Value(name) => self.block.push(name, bytes, ascii),
            _ => self.feed_head(bytes, ascii),
        }
    }

    fn feed_head(&mut self, bytes: &[u8], ascii: bool) -> Result<(), Error> {
        let (mut head, mut len) = match self.state {
            State::Head { bytes, len } => (bytes, len),
            _ => ([0; HEAD], 0),
        };
        for (index, &byte) in bytes.iter().enumerate() {
            head[len] = byte;
            len += 1;
            // The byte after the colon tells whether a space has to be removed.
            if len == HEAD || len > 1 && head[len - 2] == b':' {
                let (name, value) = Field::parse(&head[..len]).split();
                self.state = State::Value(name);
                self.block.begin(name);
                self.block.push(name, value, ascii)?;
                return self.block.push(name, &bytes[index + 1..], ascii);
            }
        }
        self.state = State::Head { bytes: head, len };
        Ok(())
    }

    /// Ends a line that was fed.
    fn end_line(&mut self, state: State) -> Result<Name, Error> {
        let name = match state {
            State::Head { bytes, len } => {
                let (name, value) = Field::parse(&bytes[..len]).split();
                self.block.begin(name);
                self.block.push(name, value, false)?;
                name
            }
            State::Value(name) => name,
            _ => return Ok(Name::Unknown),
        };
        self.block.end(name);
        Ok(name)
    }

    /// The reconnection time applies at once, whatever becomes of the block.
    fn set_retry(&mut self, ms: u64) -> Option<Completed> {
        let time = Duration::from_millis(ms);
        self.retry = Some(time);
        Some(Completed::Retry(time))
    }

    /// A value was over its limit, in the line that `state` tells of.
    fn overflow(&mut self, error: Error) -> Result<(), Error> {
        let in_line = self.state != State::Line;
        self.phase = Phase::Unready;
        self.block.clear();
        self.block.shrink();
        match self.block.limits.overflow {
            Overflow::Fail => {
                self.state = State::Failed(error);
                Err(error)
            }
            Overflow::Skip => {
                self.state = State::Skipping { in_line };
                Ok(())
            }
        }
    }

    /// Goes on with a block that is left out.
    fn skip<'c, const FRAMES: bool>(
        &mut self,
        mut in_line: bool,
        chunk: &'c [u8],
        input: &mut &'c [u8],
    ) -> Option<Completed> {
        loop {
            let line_start = self.position(chunk, input);
            let Some(piece) = self.lines.next_piece(input) else { break };
            if piece.end && piece.bytes.is_empty() && !in_line {
                let bytes = line_start - self.block_start;
                self.block_start = self.position(chunk, input);
                self.state = State::Line;
                self.skipped += 1;
                return Some(Completed::Skipped { bytes }).filter(|_| FRAMES);
            }
            in_line = !piece.end;
        }
        self.state = State::Skipping { in_line };
        Some(Completed::Nothing)
    }

    /// How many bytes of the stream are consumed.
    fn position(&self, chunk: &[u8], input: &[u8]) -> u64 {
        self.consumed + (chunk.len() - input.len()) as u64
    }

    /// As [`frame`](Self::frame), for a `chunk` that the caller vouches for.
    pub(crate) fn borrow<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        match step.0 {
            Completed::Nothing => None,
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
