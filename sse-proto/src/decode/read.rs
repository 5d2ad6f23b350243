//! Calls that return the parser's next result, and the loop over both lanes.
#![expect(unsafe_code, reason = "validating twice costs as much as all the rest of the parser")]

use super::parser::Parser;
use super::push::{Done, State};
use super::text::utf8;
use super::whole;
use crate::event::DEFAULT;
use crate::{Error, Event, Frame};

/// Result of [`Parser::advance`](crate::Parser::advance), without a borrow;
/// [`Parser::frame`](crate::Parser::frame) turns it into a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step(pub(crate) Read<(usize, usize)>);

impl Step {
    /// Whether the input is used up, so that the next chunk is needed.
    pub fn needs_data(self) -> bool {
        matches!(self.0, Read::Pushed(Done::NeedData))
    }
}

/// Result of a read. `T` is a text in the chunk, or its place there.
///
/// (Words alone, this and [`Done`]: so a result stays in registers. With tags of a byte, the
/// compiler moves it through memory in pieces that overlap, each of which waits for the one
/// before.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Read<T> {
    /// An event that is complete in the chunk: type and data. An empty type means the default.
    Whole(T, T),
    /// A comment that is complete in the chunk.
    Comment(T),
    /// A result whose text is in the buffers.
    Pushed(Done),
}

impl Read<&str> {
    /// The result without its borrow.
    fn to_step(self, chunk: &[u8]) -> Step {
        let place = |text: &str| match text.as_ptr() as usize {
            // (An empty text may be a literal outside the chunk.)
            _ if text.is_empty() => (0, 0),
            at => (at - chunk.as_ptr() as usize, at - chunk.as_ptr() as usize + text.len()),
        };
        Step(self.map(|text| Some(place(text))).unwrap_or(Read::Pushed(Done::NeedData)))
    }
}

impl<T> Read<T> {
    fn map<U>(self, text: impl Fn(T) -> Option<U>) -> Option<Read<U>> {
        Some(match self {
            Self::Whole(event, data) => Read::Whole(text(event)?, text(data)?),
            Self::Comment(comment) => Read::Comment(text(comment)?),
            Self::Pushed(done) => Read::Pushed(done),
        })
    }
}

impl Parser {
    /// The next event; `None` when `input` is used up and the next chunk is needed.
    ///
    /// `input` is moved past the bytes that were read: those of the event ([`span`](Self::span)),
    /// and those of comments and other lines before it. If a call of this method begins to read a
    /// comment, a later [`next_frame`](Self::next_frame) does not report it.
    ///
    /// # Errors
    ///
    /// If an event, an ID, a comment or a reconnection time is over its limit. Every later call
    /// that has input returns the same error.
    #[inline]
    pub fn next_event<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        let from_line = |parser: &'a Self, data| Some(parser.whole_event("", data));
        self.next::<false, _>(input, None, from_line, Self::read_event)
    }

    /// The next frame; `None` when `input` is used up and the next chunk is needed.
    ///
    /// A comment or `retry` between the lines of an event is reported before the event. Such an
    /// event is copied into the parser instead of borrowed from `input`.
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event).
    #[inline]
    pub fn next_frame<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Frame<'a>>, Error> {
        let from_line = |parser: &'a Self, data| Some(Frame::Event(parser.whole_event("", data)));
        self.next::<true, _>(input, None, from_line, Self::read_frame)
    }

    /// Reads up to the end of the next frame; [`lend`](Self::lend) turns the result into that
    /// frame.
    #[inline]
    pub(crate) fn next_read<'c>(&mut self, input: &mut &'c [u8]) -> Result<Read<&'c str>, Error> {
        let from_line = |_: &Self, data| Read::Whole("", data);
        self.next::<true, _>(input, Read::Pushed(Done::NeedData), from_line, Self::read_any)
    }

    /// Reads up to the end of the next frame, and returns a [`Step`], which does not borrow `self`;
    /// [`frame`](Self::frame) turns it into the frame.
    ///
    /// [`next_frame`](Self::next_frame) borrows `self` for as long as its result lives. So a loop
    /// that returns the frame from one arm, and uses the parser in another arm, does not compile
    /// (E0499). Instead, break out of the loop with the [`Step`], then call [`frame`](Self::frame).
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
        Ok(self.next_read(input)?.to_step(chunk))
    }

    /// The frame that the last call of [`advance`](Self::advance) completed; `None` if it needs
    /// data.
    ///
    /// `chunk` is what `input` was before that call, and no other call that changes the parser may
    /// come between the two. Values in `chunk` are validated again, because nothing proves that it
    /// is that chunk. With an outdated `step` or another `chunk` the result is `None` or a frame
    /// with some other text.
    pub fn frame<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        let read = step.0.map(|(start, end)| chunk.get(start..end).and_then(utf8))?;
        let is_there = match read {
            Read::Pushed(Done::Event) => self.is_between_blocks(),
            Read::Pushed(Done::Comment) => self.block.is_comment_text(),
            _ => true,
        };
        // SAFETY: `utf8` checked what is in the chunk. Between blocks the buffers of an event hold
        // text; `is_comment_text` checked the buffer of a comment.
        if is_there { unsafe { self.lend(read) } } else { None }
    }

    /// [`frame`](Self::frame) without its checks.
    ///
    /// # Safety
    ///
    /// No reading method was called after the call that returned `step`, and `chunk` holds the
    /// bytes that `input` held before that call.
    #[inline]
    pub(crate) unsafe fn borrow<'a, 'c: 'a>(&'a self, step: Step, chunk: &'c [u8]) -> Option<Frame<'a>> {
        // SAFETY: there is text at these places: `whole` has borrowed it as such.
        let read =
            step.0.map(|(start, end)| Some(unsafe { core::str::from_utf8_unchecked(&chunk[start..end]) }))?;
        // SAFETY: nothing was read since, the caller says, so the buffers hold the text of `step`.
        unsafe { self.lend(read) }
    }

    /// The frame that was read; `None` if more data is needed.
    ///
    /// # Safety
    ///
    /// As [`lend_event`](Self::lend_event); for a comment that was pushed, the buffer of values
    /// holds text, until the next call that reads.
    #[inline]
    pub(crate) unsafe fn lend<'a, 'c: 'a>(&'a self, read: Read<&'c str>) -> Option<Frame<'a>> {
        Some(match read {
            // SAFETY: the caller vouches for it.
            Read::Whole(..) | Read::Pushed(Done::Event) => Frame::Event(unsafe { self.lend_event(read) }?),
            Read::Comment(comment) => Frame::Comment(comment),
            // SAFETY: the buffer of values holds text, the caller says.
            Read::Pushed(Done::Comment) => Frame::Comment(unsafe { self.block.comment() }),
            Read::Pushed(Done::Ignored) => Frame::Ignored(self.block.ignored()?),
            Read::Pushed(Done::Retry) => Frame::Retry(self.block.retry?),
            Read::Pushed(Done::Skipped) => Frame::Skipped { bytes: self.skipped_bytes },
            Read::Pushed(Done::NeedData | Done::Line | Done::Block | Done::Failed) => return None,
        })
    }

    /// The event that was read; `None` if that is another frame, or more data is needed.
    ///
    /// # Safety
    ///
    /// For an event that was pushed, no block and no value has begun
    /// ([`is_between_blocks`](Self::is_between_blocks)), as is so until the next call that reads.
    #[inline]
    pub(crate) unsafe fn lend_event<'a, 'c: 'a>(&'a self, read: Read<&'c str>) -> Option<Event<'a>> {
        match read {
            Read::Whole(event, data) => Some(self.whole_event(event, data)),
            // SAFETY: no block and no value has begun, the caller says.
            Read::Pushed(Done::Event) => Some(unsafe { self.block.event() }),
            _ => None,
        }
    }

    /// Builds an event from its type and its data, which the chunk holds, and the parser's last
    /// event ID. An empty `event` means the default type, `message`.
    #[inline]
    fn whole_event<'a, 'c: 'a>(&'a self, event: &'c str, data: &'c str) -> Event<'a> {
        Event { event: if event.is_empty() { DEFAULT } else { event }, data, id: self.last_event_id() }
    }

    /// Reads up to the end of the next event or, with `FRAMES`, frame: `from_line` makes the result
    /// from the data that [`line`](Self::line) returns, `from_done` from a [`Done`], after reading
    /// on if that is `Block`.
    #[inline(always)]
    fn next<'a, 'c, const FRAMES: bool, T>(
        &'a mut self,
        input: &mut &'c [u8],
        none: T,
        from_line: impl FnOnce(&'a Self, &'c str) -> T,
        from_done: impl FnOnce(&'a mut Self, Done, &mut &'c [u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut done = match self.state {
            // (With diagnostics too: a line of data always has an effect.)
            State::Block if whole::is_data(input) => match self.line(input) {
                Some(data) => return Ok(from_line(self, data)),
                None if input.is_empty() => Done::NeedData,
                None => Done::Block,
            },
            State::Block if input.len() >= whole::least(FRAMES) || input.starts_with(b":") => Done::Block,
            State::Block if input.is_empty() => Done::Line,
            _ if self.block.diagnose => Done::Line,
            _ => self.step::<FRAMES>(input),
        };
        match done {
            Done::NeedData => return Ok(none),
            Done::Line if input.is_empty() && !self.block.is_large() => return Ok(none),
            Done::Line => done = self.push::<FRAMES>(input),
            _ => {}
        }
        match done {
            Done::NeedData => Ok(none),
            Done::Block if self.keep_alives::<FRAMES>(input) => Ok(none),
            done => from_done(self, done, input),
        }
    }

    /// The event that was pushed just now, or the next one. (In two functions: the second needs a
    /// large stack frame.)
    #[inline(never)]
    fn read_event<'a, 'c: 'a>(
        &'a mut self,
        done: Done,
        input: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        match done {
            Done::Block => self.read_blocks(input),
            // SAFETY: it was dispatched just now.
            Done::Event => Ok(Some(unsafe { self.block.event() })),
            Done::Failed => Err(self.error(input)),
            _ => Ok(None),
        }
    }

    #[inline(never)]
    fn read_blocks<'a, 'c: 'a>(&'a mut self, input: &mut &'c [u8]) -> Result<Option<Event<'a>>, Error> {
        match self.read::<false>(input) {
            Read::Whole(event, data) => Ok(Some(self.whole_event(event, data))),
            Read::Pushed(done) => self.read_event(done, input),
            Read::Comment(_) => Ok(None),
        }
    }

    #[inline(never)]
    fn read_frame<'a, 'c: 'a>(
        &'a mut self,
        done: Done,
        input: &mut &'c [u8],
    ) -> Result<Option<Frame<'a>>, Error> {
        let read = self.read_on(done, input)?;
        // SAFETY: it was read just now.
        Ok(unsafe { self.lend(read) })
    }

    #[inline(never)]
    fn read_any<'c>(&mut self, done: Done, input: &mut &'c [u8]) -> Result<Read<&'c str>, Error> {
        self.read_on(done, input)
    }

    /// Goes on after `done`, which the first lane returned.
    #[inline(always)]
    fn read_on<'c>(&mut self, done: Done, input: &mut &'c [u8]) -> Result<Read<&'c str>, Error> {
        match if done == Done::Block { self.read::<true>(input) } else { Read::Pushed(done) } {
            Read::Pushed(Done::Failed) => Err(self.error(input)),
            read => Ok(read),
        }
    }

    /// The loop over both lanes: `whole` where a block starts, `push` where it declines.
    #[inline(always)]
    fn read<'c, const FRAMES: bool>(&mut self, input: &mut &'c [u8]) -> Read<&'c str> {
        loop {
            let done = if self.may_be_whole::<FRAMES>(input) {
                match self.whole::<FRAMES>(input) {
                    Some(Read::Pushed(done)) => done,
                    Some(read) => return read,
                    None => self.push::<FRAMES>(input),
                }
            } else {
                self.push::<FRAMES>(input)
            };
            match done {
                Done::Block if self.keep_alives::<FRAMES>(input) => return Read::Pushed(Done::NeedData),
                Done::Block => {}
                done => return Read::Pushed(done),
            }
        }
    }
}
