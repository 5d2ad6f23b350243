//! The parser: chunks in, events out; which of the two lanes reads what.

use core::mem;
use core::time::Duration;

use super::block::Block;
use super::event::{Completed, DEFAULT, Event, Finish, Frame, Step};
use super::field::{Kind, Prefix, Start};
use super::find;
use super::limits::Limits;
use super::push::{Done, State};
use super::text::utf8;
use super::whole::{self, Whole};
use crate::Error;

/// An incremental parser of `text/event-stream`: feed it chunks, take events out.
///
/// **No input is malformed.** Invalid UTF-8 becomes U+FFFD and unknown fields are left out, as the
/// specification wants it; chunks may be cut anywhere. An event that lies whole in a chunk, with
/// one `data` line and valid UTF-8, is borrowed from the chunk; nothing is allocated for it.
///
/// - From the network: [`next_event`](Self::next_event) or [`next_frame`](Self::next_frame), until
///   they return `None`; [`finish`](Self::finish) at the end of the stream.
/// - For code that has to give up the borrow between two calls: [`advance`](Self::advance) and
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
#[derive(Clone, Debug)]
pub struct Parser {
    pub(super) state: State,
    /// What may come before the next byte counts.
    open: Open,
    pub(super) block: Block,
    deliver_unterminated: bool,
    pub(super) skipped: u64,
    /// The size of the block that was left out last, without its blank line.
    pub(super) left_out: u64,
    /// Bytes of the block that are consumed.
    pub(super) block_len: u64,
    /// Those of the block before it, with its blank line.
    last_len: u64,
    /// For the tests: the parser without the other lane.
    #[cfg(test)]
    pub(super) push_only: bool,
}

/// Input that is open at the start of a chunk, and that the next byte may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    /// The LF of the CR that the last chunk ended with.
    Lf,
    /// The byte order mark at the start of the stream, of which so many bytes were seen.
    Bom(u8),
}

/// What [`Parser::next_whole`] found where it returned no frame.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "stream"), expect(dead_code, reason = "the driver is of that feature"))]
pub(crate) enum Probe {
    /// It did not look.
    Unread,
    /// `data: ` and so many bytes of plain text.
    Line(usize),
    /// A block that does not lie whole in the chunk, or is not plain.
    Declined,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Self {
            state: State::Unsettled,
            open: Open::Bom(0),
            block: Block::new(),
            deliver_unterminated: false,
            skipped: 0,
            left_out: 0,
            block_len: 0,
            last_len: 0,
            #[cfg(test)]
            push_only: false,
        }
    }

    /// A parser at the start of a stream that goes on where another one ended: events without an ID
    /// have this one.
    pub fn with_last_event_id(id: impl AsRef<str>) -> Self {
        let mut parser = Self::new();
        parser.set_last_event_id(id);
        parser
    }

    /// Sets the room that the stream may take.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.block.limits = limits;
        self
    }

    /// Whether [`finish`](Self::finish) delivers an event that lacks its blank line. Unless set, it
    /// is dropped, as the specification wants it.
    #[must_use]
    pub fn with_deliver_unterminated(mut self, deliver: bool) -> Self {
        self.deliver_unterminated = deliver;
        self
    }

    /// Whether [`next_frame`](Self::next_frame) reports lines without effect as [`Frame::Ignored`]:
    /// for a developer who looks for what a server gets wrong. Default false. Streams are then read
    /// on the slower of two ways.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: bool) -> Self {
        self.block.diagnose = diagnostics;
        self
    }

    /// The next event; `None` when `input` is used up and the next chunk is due.
    ///
    /// `input` is moved past what was read: what a call consumed up to an event, that event was
    /// made of. A comment that a call began to read is lost, though
    /// [`next_frame`](Self::next_frame) may come to its end.
    ///
    /// # Errors
    ///
    /// An event or an ID is over its limit. The error stays: every later call returns it.
    #[inline]
    pub fn next_event<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        let state = self.state;
        match state {
            State::Block if input.len() >= whole::least(false) => {
                // (Asked here, so that the other blocks are spared a call.)
                match whole::data(input) {
                    Some(line) => return self.read_line(line, input),
                    None if self.skip_comments(input) => return Ok(None),
                    None => return self.read_event(input, 0),
                }
            }
            State::Value(kind) if self.within(kind, input) => return Ok(None),
            State::Block if input.is_empty() && !self.block.is_large() => return Ok(None),
            State::Block if self.skip_comments(input) => return Ok(None),
            _ => {}
        }
        match self.push::<false>(input) {
            Done::NeedData => Ok(None),
            done => self.read_pushed(done, input),
        }
    }

    /// The next frame; `None` when `input` is used up and the next chunk is due.
    ///
    /// A comment or `retry` between the lines of an event is reported before the event, and what
    /// was read of the event until then is copied.
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event).
    #[expect(unsafe_code, reason = "validating twice costs as much as all the rest of the parser")]
    pub fn next_frame<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Frame<'a>>, Error> {
        let chunk = *input;
        let step = self.advance(input)?;
        // SAFETY: the step was made just now, and `chunk` has been borrowed all the time.
        Ok(unsafe { self.borrow(step, chunk) })
    }

    /// Reads up to the end of the next frame and says what it is, without borrowing anything.
    ///
    /// [`next_frame`](Self::next_frame) borrows `self` for as long as its result lives. A function
    /// that returns the frame from one arm of a loop, and goes on with the parser in another, does
    /// not compile with it (E0499). With the pair it does: leave the loop with the [`Step`], then
    /// call [`frame`](Self::frame).
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
        let chunk = *input;
        let state = self.state;
        match state {
            State::Block if input.len() >= whole::least(true) => {
                let seen = match whole::data(input).map(|line| self.pass_line(line, input)) {
                    Some(Ok(len)) => return Ok(Step(Completed::Line(len))),
                    Some(Err(seen)) => seen,
                    None => 0,
                };
                return self.read_frame(chunk, input, seen);
            }
            State::Value(kind) if self.within(kind, input) => return Ok(Step(Completed::Nothing)),
            State::Block if input.is_empty() && !self.block.is_large() => {
                return Ok(Step(Completed::Nothing));
            }
            _ => {}
        }
        match self.push::<true>(input) {
            Done::NeedData => Ok(Step(Completed::Nothing)),
            Done::Block => self.read_frame(chunk, input, 0),
            done => self.pushed_frame(done),
        }
    }

    /// Borrows the next frame if it lies whole in the chunk. Otherwise reads nothing but blocks
    /// without a frame, and returns what [`advance_after`](Self::advance_after) has to know.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn next_whole<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Frame<'a>, Probe> {
        if self.state != State::Block || input.len() < whole::least(true) {
            return Err(Probe::Unread);
        }
        match whole::data(input).map(|line| self.take_line(line, input)) {
            Some(Ok(data)) => Ok(Frame::Event(self.whole_event("", data))),
            Some(Err(seen)) if seen > 0 => Err(Probe::Line(seen)),
            _ => self.next_block(input),
        }
    }

    /// [`next_whole`](Self::next_whole) but for the most common event, out of line so that the rest
    /// needs fewer registers.
    #[cfg(feature = "stream")]
    #[inline(never)]
    fn next_block<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Frame<'a>, Probe> {
        loop {
            return match self.whole::<true>(input) {
                Whole::Event(event, data) => Ok(Frame::Event(self.whole_event(event, data))),
                Whole::Comment(comment) => Ok(Frame::Comment(comment)),
                Whole::Retry => Ok(Frame::Retry(self.block.retry.unwrap_or_default())),
                Whole::Block => continue,
                Whole::Declined => Err(Probe::Declined),
            };
        }
    }

    /// As [`advance`](Self::advance), after [`next_whole`](Self::next_whole) with the same `input`.
    #[inline]
    pub(crate) fn advance_after(&mut self, probe: Probe, input: &mut &[u8]) -> Result<Step, Error> {
        let chunk = *input;
        match probe {
            Probe::Unread => self.advance(input),
            Probe::Line(seen) => self.read_frame(chunk, input, seen),
            Probe::Declined => match self.push::<true>(input) {
                Done::Block => self.read_frame(chunk, input, 0),
                done => self.pushed_frame(done),
            },
        }
    }

    /// Whether a call without input would change nothing, and return nothing.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Block && !self.block.is_large()
    }

    /// The frame that the last call of [`advance`](Self::advance) completed; `None` if it needs
    /// data.
    ///
    /// `chunk` is what `input` was before that call. Values that lie in it are validated again,
    /// because nothing proves that it is the same: `None` also if `step` is outdated, or `chunk` is
    /// another chunk without text at the place of a value.
    #[expect(unsafe_code, reason = "the places are checked once")]
    pub fn frame<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        let is_text = |(start, end)| chunk.get(start..end).and_then(utf8).is_some();
        let in_buffers = match step.0 {
            Completed::Event => matches!(self.state, State::Block | State::Unsettled),
            Completed::Comment(None) | Completed::Ignored => self.block.is_comment_text(),
            _ => true,
        };
        if !in_buffers || !step.0.places().into_iter().all(is_text) {
            return None;
        }
        // SAFETY: there is text at the places in the chunk and in the comment, as was just seen;
        // and in the buffers of a block, too, while the state is `Block`.
        unsafe { self.borrow(step, chunk) }
    }

    /// [`frame`](Self::frame) without its checks.
    ///
    /// # Safety
    ///
    /// `step` is what the last call that read returned, and `chunk` has the bytes that `input` had
    /// before it.
    #[inline]
    #[expect(unsafe_code, reason = "as `next_frame` says")]
    pub(crate) unsafe fn borrow<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        let [event, text] = step.0.places().map(|(start, end)| {
            // SAFETY: there is text at these places: `whole` has borrowed it as such.
            unsafe { core::str::from_utf8_unchecked(&chunk[start..end]) }
        });
        Some(match step.0 {
            Completed::Nothing => return None,
            Completed::Line(_) | Completed::Whole { .. } => Frame::Event(self.whole_event(event, text)),
            // SAFETY: nothing was begun since that event.
            Completed::Event => Frame::Event(unsafe { self.block.event() }),
            Completed::Comment(Some(_)) => Frame::Comment(text),
            // SAFETY: nothing was begun since that comment.
            Completed::Comment(None) => Frame::Comment(unsafe { self.block.comment() }),
            // SAFETY: nothing was begun since that line.
            Completed::Ignored => Frame::Ignored(unsafe { self.block.comment() }),
            Completed::Retry(time) => Frame::Retry(time),
            Completed::Skipped { bytes } => Frame::Skipped { bytes },
        })
    }

    /// The last event ID string: the ID of the last block that had one, with or without data. Empty
    /// if there was none.
    pub fn last_event_id(&self) -> &str {
        self.block.last_event_id()
    }

    /// Sets the last event ID string, which following events have until the stream sets another.
    ///
    /// An ID that the current block has already set is still committed at the blank line.
    pub fn set_last_event_id(&mut self, id: impl AsRef<str>) {
        self.block.set_last_event_id(id.as_ref());
    }

    /// The reconnection time, if the server has set it.
    pub fn retry(&self) -> Option<Duration> {
        self.block.retry
    }

    /// How many blocks were left out because they were over a limit
    /// ([`Overflow::Skip`](crate::Overflow::Skip)).
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of bytes of the last returned event, from its first line to its blank line, for
    /// gateways that forward the bytes themselves. The bytes end where `input` starts now.
    ///
    /// A blank line that a chunk cuts between CR and LF ends at the CR. The event may have begun in
    /// an earlier chunk. A block that was left out has a span too. After any other call the number
    /// is of no meaning.
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

    /// Ends the stream: an unterminated line or block is dropped, and its ID not committed. An
    /// unterminated comment is not part of an event: the stream is complete without it.
    ///
    /// With [`with_deliver_unterminated`](Self::with_deliver_unterminated), a block that has data
    /// is delivered instead. Call this at a clean end alone: after a broken connection the block
    /// may be cut. The parser is then at the start of a new stream, unless it has failed.
    pub fn finish(&mut self) -> Finish<'_> {
        if matches!(self.state, State::Failed(_)) {
            return Finish::Dropped;
        }
        let complete = self.is_complete();
        let flushed = self.deliver_unterminated && !complete && self.end_lines();
        self.begin_stream();
        if flushed {
            // SAFETY: it was dispatched just now.
            #[expect(unsafe_code, reason = "see `Text::as_str`")]
            return Finish::Flushed(unsafe { self.block.event() });
        }
        self.block.clear();
        if complete { Finish::Complete } else { Finish::Dropped }
    }

    /// Begins a new stream, as after a lost connection, without a new parser: what is pending is
    /// dropped, also a failure.
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
        self.state = State::Unsettled;
        self.open = Open::Bom(0);
        (self.block_len, self.last_len) = (0, 0);
    }

    /// Whether the end of the stream discards nothing of an event (9.2.6): no field has begun since
    /// the last blank line. A comment, whole or cut, is not part of an event.
    fn is_complete(&self) -> bool {
        match self.state {
            State::Block | State::Unsettled => !matches!(self.open, Open::Bom(1..)),
            State::Colon(kind) | State::Value(kind) => {
                matches!(kind, Kind::Comment | Kind::Skipped) && self.block.is_empty()
            }
            State::Line | State::Head(_) | State::Skipping { .. } | State::Failed(_) => false,
        }
    }

    /// Ends the line and the block as if there were line ends; true if that gives an event.
    fn end_lines(&mut self) -> bool {
        let retry = self.block.retry;
        self.open = Open::Nothing;
        if matches!(self.state, State::Head(_) | State::Colon(_) | State::Value(_)) {
            self.push::<false>(&mut &b"\n"[..]);
        }
        // Both may be cut.
        self.block.retry = retry;
        self.block.drop_id();
        self.state == State::Line && self.push::<false>(&mut &b"\n"[..]) == Done::Event
    }

    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.open, Open::Nothing)
    }

    /// Reads a block that starts with the data `line`. The most ordinary event is read here, in a
    /// function that needs little else.
    #[inline(never)]
    fn read_line<'a, 'c: 'a>(
        &'a mut self,
        line: &'c [u8],
        input: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        match self.take_line(line, input) {
            Ok(data) => Ok(Some(self.whole_event("", data))),
            Err(seen) => self.read_event(input, seen),
        }
    }

    /// As [`take_line`](Self::take_line), in lengths, which are handed over in registers.
    #[inline(never)]
    fn pass_line<'c>(&mut self, line: &'c [u8], input: &mut &'c [u8]) -> Result<usize, usize> {
        self.take_line(line, input).map(str::len)
    }

    /// **Shortcut**: the most ordinary event in a small stack frame. Without it (instructions):
    /// openai at 16k +46 %, tiny at 16k +79 %.
    ///
    /// Reads the rest of `data: `, plain text, and a blank line; otherwise returns the length of
    /// the text, if the line is cut or the first of several.
    #[inline(always)]
    fn take_line<'c>(&mut self, line: &'c [u8], input: &mut &'c [u8]) -> Result<&'c str, usize> {
        #[cfg(test)]
        if self.push_only {
            return Err(0);
        }
        let Some((data, rest)) = find::plain_text::<false>(line) else { return Err(0) };
        match whole::blank(rest) {
            Some(rest) if data.len() <= self.block.limits.event => {
                self.consume(input, rest);
                self.end_block(0);
                Ok(data)
            }
            _ if rest.is_empty() || rest.starts_with(b"\ndata: ") => Err(data.len()),
            _ => Err(0),
        }
    }

    /// What comes of what was pushed.
    #[inline(never)]
    fn read_pushed<'a, 'c: 'a>(
        &'a mut self,
        done: Done,
        input: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        match done {
            // SAFETY: it was dispatched just now.
            #[expect(unsafe_code, reason = "see `Text::as_str`")]
            Done::Event => Ok(Some(unsafe { self.block.event() })),
            Done::Block if self.skip_comments(input) => Ok(None),
            Done::Block => self.read_event(input, 0),
            Done::Failed => Err(self.error()),
            Done::NeedData | Done::Comment | Done::Retry | Done::Ignored | Done::Skipped => Ok(None),
        }
    }

    /// Reads a block, and on to the next event, by both lanes. `seen` is what
    /// [`take_line`](Self::take_line) returns.
    #[inline(never)]
    fn read_event<'a, 'c: 'a>(
        &'a mut self,
        input: &mut &'c [u8],
        mut seen: usize,
    ) -> Result<Option<Event<'a>>, Error> {
        loop {
            if seen > 0 {
                self.begin_data(input, mem::take(&mut seen));
            } else {
                match self.whole::<false>(input) {
                    Whole::Event(event, data) => return Ok(Some(self.whole_event(event, data))),
                    Whole::Declined => {}
                    _ if self.skip_comments(input) => return Ok(None),
                    _ => continue,
                }
            }
            match self.push::<false>(input) {
                Done::Block if self.skip_comments(input) => return Ok(None),
                Done::Block => {}
                done => return self.read_pushed(done, input),
            }
        }
    }

    /// Reads a block, and on to the next frame, by both lanes. Places are those in `chunk`, of
    /// which `input` is the end.
    #[inline(never)]
    fn read_frame(&mut self, chunk: &[u8], input: &mut &[u8], mut seen: usize) -> Result<Step, Error> {
        let place = |text: &str| {
            let start = text.as_ptr() as usize - chunk.as_ptr() as usize;
            (start, start + text.len())
        };
        loop {
            if seen > 0 {
                self.begin_data(input, mem::take(&mut seen));
            } else {
                match self.whole::<true>(input) {
                    Whole::Event(event, data) => {
                        let event = if event.is_empty() { (0, 0) } else { place(event) };
                        return Ok(Step(Completed::Whole { event, data: place(data) }));
                    }
                    Whole::Comment(comment) => return Ok(Step(Completed::Comment(Some(place(comment))))),
                    Whole::Retry => return self.pushed_frame(Done::Retry),
                    Whole::Block => continue,
                    Whole::Declined => {}
                }
            }
            match self.push::<true>(input) {
                Done::Block => {}
                done => return self.pushed_frame(done),
            }
        }
    }

    /// What comes of what was pushed.
    fn pushed_frame(&self, done: Done) -> Result<Step, Error> {
        Ok(Step(match done {
            Done::NeedData | Done::Block => Completed::Nothing,
            Done::Event => Completed::Event,
            Done::Comment => Completed::Comment(None),
            Done::Ignored => Completed::Ignored,
            Done::Retry => Completed::Retry(self.block.retry.unwrap_or_default()),
            Done::Skipped => Completed::Skipped { bytes: self.left_out },
            Done::Failed => return Err(self.error()),
        }))
    }

    /// An event that is whole in the chunk. An empty type is the default one.
    #[inline]
    fn whole_event<'a, 'c: 'a>(&'a self, event: &'c str, data: &'c str) -> Event<'a> {
        Event { event: if event.is_empty() { DEFAULT } else { event }, data, id: self.block.last_event_id() }
    }

    /// Skips what was left open by the last chunk: the LF of a CR (9.2.5), or the byte order mark
    /// (9.2.6).
    ///
    /// True if a block is next, which may lie whole in the chunk.
    #[inline(never)]
    pub(super) fn settle(&mut self, input: &mut &[u8], least: usize) -> bool {
        let Some(first) = input.first() else { return false };
        // The block has not begun: it starts after what is skipped.
        let mut starts_block = self.block_len == 0;
        let mut skipped = 0;
        match mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Lf => skipped = usize::from(*first == b'\n'),
            Open::Bom(seen) => {
                let seen = usize::from(seen);
                skipped = input.iter().zip(&BOM[seen..]).take_while(|(byte, bom)| byte == bom).count();
                let seen = seen + skipped;
                starts_block = seen == BOM.len();
                if seen < BOM.len() && skipped == input.len() {
                    self.open = Open::Bom(seen as u8);
                } else if let 1..3 = seen {
                    // It was none: these bytes start the first line, whose name no field has.
                    self.state = Prefix::new(Start::of(&BOM[..seen]), seen).map_or(self.state, State::Head);
                }
            }
        }
        if self.state == State::Unsettled && matches!(self.open, Open::Nothing) {
            self.state = State::Block;
        }
        self.consume(input, &input[skipped..]);
        if starts_block {
            self.block_len = 0;
        }
        self.state == State::Block && input.len() >= least
    }

    /// Counts what was read, and moves `input` past it.
    #[inline(always)]
    pub(super) fn consume<'c>(&mut self, input: &mut &'c [u8], rest: &'c [u8]) {
        self.block_len = self.block_len.wrapping_add((input.len() - rest.len()) as u64);
        if rest.is_empty() {
            self.end_chunk(input);
        }
        *input = rest;
    }

    /// 9.2.5: if the chunk ends with a CR, an LF that starts the next one belongs to it.
    #[inline(never)]
    fn end_chunk(&mut self, chunk: &[u8]) {
        if chunk.last() == Some(&b'\r') {
            self.open = Open::Lf;
            if self.state == State::Block {
                self.state = State::Unsettled;
            }
        }
    }

    /// The block ends, with its blank line, so far after what is counted. (It will be, and so the
    /// next block starts below zero.)
    #[inline(always)]
    pub(super) fn end_block(&mut self, at: usize) {
        self.last_len = self.block_len.wrapping_add(at as u64);
        self.block_len = 0u64.wrapping_sub(at as u64);
    }

    #[cold]
    fn error(&self) -> Error {
        match self.state {
            State::Failed(Kind::Id) => Error::IdTooLong { limit: self.block.limits.id },
            _ => Error::EventTooLong { limit: self.block.limits.event },
        }
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}
