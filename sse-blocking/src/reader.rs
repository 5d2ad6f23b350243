//! A reader → an iterator of events: for bytes that are already there.

use std::io::{self, ErrorKind, Read};
use std::mem;

use proto::{Finish, Frame, Message, Parser, Step};

/// How much is read at once.
pub(crate) const BUFFER: usize = 16 << 10;

/// Adds [`sse`](Self::sse) to readers.
pub trait ReadExt: Read + Sized {
    /// Reads this as `text/event-stream`.
    ///
    /// # Example
    ///
    /// ```
    /// use sse_blocking::ReadExt;
    ///
    /// let body = &b"data: Hello\n\nevent: done\ndata\n\n"[..];
    /// let messages: Vec<_> = body.sse().collect::<Result<_, _>>()?;
    /// assert_eq!(messages[0].data(), "Hello");
    /// assert_eq!(messages[1].event(), "done");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn sse(self) -> EventReader<Self> {
        EventReader::new(self, Parser::new())
    }
}

impl<R: Read> ReadExt for R {}

/// The events of a reader, made by [`ReadExt::sse`].
///
/// As an [`Iterator`] it yields [`Message`]s, one allocation each; [`next_frame`](Self::next_frame)
/// lends everything that the stream says and allocates nothing. It has a buffer of 16 KiB and never
/// waits for more than one read to succeed: a `BufReader` under it gains nothing.
///
/// # Errors
///
/// An error of the reader is the last item, unless it is a timeout (`WouldBlock`, `TimedOut`):
/// nothing is lost by it, and the next call reads on. An event over a limit is an error of the kind
/// `InvalidData` around an [`Error`](proto::Error), and the last item. A pending event is dropped
/// at the end, unless the parser has `with_deliver_unterminated`.
#[derive(Debug)]
pub struct EventReader<R> {
    /// `None` once it has ended or failed.
    reader: Option<R>,
    parser: Parser,
    buffer: Box<[u8]>,
    /// Of the buffer's first `filled` bytes, how many were read before the last step, and after it.
    start: usize,
    read: usize,
    filled: usize,
}

impl<R: Read> EventReader<R> {
    /// Reads with a parser that has limits, a last event ID or flushing of its own.
    pub fn new(reader: R, parser: Parser) -> Self {
        let buffer = vec![0; BUFFER].into();
        Self { reader: Some(reader), parser, buffer, start: 0, read: 0, filled: 0 }
    }

    /// The parser, for all that it can tell: the last event ID, the reconnection time, what was
    /// skipped.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }

    /// Lends the next frame; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of the [type](Self#errors).
    ///
    /// # Example
    ///
    /// ```
    /// use sse_blocking::{Frame, ReadExt};
    ///
    /// let mut reader = b": keep-alive\n\ndata: x\n\n".sse();
    /// while let Some(frame) = reader.next_frame() {
    ///     match frame? {
    ///         Frame::Comment(comment) => assert_eq!(comment, "keep-alive"),
    ///         Frame::Event(event) => assert_eq!(event.data, "x"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn next_frame(&mut self) -> Option<io::Result<Frame<'_>>> {
        match self.step() {
            Err(error) => Some(Err(error)),
            Ok(Some(step)) => self.parser.frame(step, &self.buffer[self.start..self.filled]).map(Ok),
            Ok(None) => match self.parser.finish() {
                Finish::Flushed(event) => Some(Ok(Frame::Event(event))),
                _ => None,
            },
        }
    }

    /// Goes on to the next frame; `None` if the stream has ended.
    fn step(&mut self) -> io::Result<Option<Step>> {
        loop {
            let mut input = &self.buffer[self.read..self.filled];
            self.start = self.read;
            let step = self.parser.advance(&mut input);
            self.read = self.filled - input.len();
            match step {
                Ok(step) if step.needs_data() => {}
                Ok(step) => return Ok(Some(step)),
                Err(_) if self.reader.is_none() => return Ok(None),
                Err(error) => {
                    self.fail();
                    return Err(io::Error::new(ErrorKind::InvalidData, error));
                }
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            (self.start, self.read, self.filled) = (0, 0, 0);
            match reader.read(&mut self.buffer) {
                Ok(0) => self.reader = None,
                Ok(length) => self.filled = length,
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(error),
                    _ => {
                        self.fail();
                        return Err(error);
                    }
                },
            }
        }
    }

    /// Ends it for good; what the failure cut is not to be flushed.
    fn fail(&mut self) {
        self.reader = None;
        self.parser = mem::take(&mut self.parser).with_deliver_unterminated(false);
    }
}

impl<R: Read> Iterator for EventReader<R> {
    type Item = io::Result<Message>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_frame()? {
                Ok(Frame::Event(event)) => return Some(Ok(event.into())),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
