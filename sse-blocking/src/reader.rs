//! Reader to iterator of events, without a client.

use std::io::{self, ErrorKind, Read};
use std::mem;

use proto::{Finish, Frame, Message, Parser, Step};

/// Size of the read buffer, in bytes.
pub(crate) const BUFFER: usize = 16 << 10;

/// Adds [`sse`](Self::sse) to readers.
pub trait ReadExt: Read + Sized {
    /// Reads this reader as `text/event-stream`.
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
/// lends events, comments and all other frames, and allocates nothing. The reader has a buffer of
/// 16 KiB, so a `BufReader` under it brings no gain. Events are returned after each read, before
/// more bytes are waited for.
///
/// # Errors
///
/// An error of the reader is the last item, unless it is a timeout (`WouldBlock`, `TimedOut`): then
/// no byte is lost, and the next call reads on. An event over a limit is an error of the kind
/// `InvalidData` around an [`Error`](proto::Error), and the last item. An unterminated event is
/// dropped at the end (9.2.6), unless the parser has `with_deliver_unterminated`.
#[derive(Debug)]
pub struct EventReader<R> {
    /// The reader; `None` once it has ended or failed.
    reader: Option<R>,
    parser: Parser,
    buffer: Box<[u8]>,
    /// How many of the buffer's first `filled` bytes were parsed before the last step, and after
    /// it.
    start: usize,
    read: usize,
    filled: usize,
}

impl<R: Read> EventReader<R> {
    /// Reads `reader` with the given parser, which may have limits, a last event ID or other
    /// settings.
    pub fn new(reader: R, parser: Parser) -> Self {
        let buffer = vec![0; BUFFER].into();
        Self { reader: Some(reader), parser, buffer, start: 0, read: 0, filled: 0 }
    }

    /// The parser: it has the last event ID, the reconnection time, and the number of skipped
    /// blocks.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }

    /// Lends the next frame; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// See the [errors of the type](Self#errors).
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

    /// Parses up to the next frame; `None` at the end of the stream.
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

    /// Ends the stream for good; an event that the failure cut is not delivered.
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
