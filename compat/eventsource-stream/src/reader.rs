//! Chunks → events with strings of their own, one at a time.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use nom::error::{Error as NomError, ErrorKind};
use proto::{Frame, Limits, Parser};

use crate::Event;
use crate::block_retry::BlockRetry;

/// Capacity that the buffer of [`Reader::rest`] may keep once it is empty.
const RETAINED: usize = 128 * 1024;

/// A parser, and what is left of the last chunk after an event.
///
/// The type of a chunk is not a parameter of [`EventStream`](crate::EventStream), so a chunk cannot be kept: what remains of
/// it after an event is copied, once.
pub(crate) struct Reader {
    parser: Parser,
    /// What the current block has set as `retry`.
    retry: Option<BlockRetry>,
    rest: Vec<u8>,
    read: usize,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { parser: Parser::new().with_limits(Limits::NONE), retry: None, rest: Vec::new(), read: 0 }
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.parser
    }

    pub(crate) fn set_last_event_id(&mut self, id: String) {
        self.parser.set_last_event_id(id);
    }

    /// The next event of the chunk that was fed last.
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, NomError<String>> {
        if self.read == self.rest.len() {
            return Ok(None);
        }
        let rest = mem::take(&mut self.rest);
        let mut input = &rest[self.read..];
        let event = self.read_event(&mut input);
        self.read = rest.len() - input.len();
        self.rest = rest;
        if self.read == self.rest.len() {
            if self.rest.capacity() > RETAINED {
                self.rest = Vec::new();
            }
            self.rest.clear();
            self.read = 0;
        }
        event
    }

    /// Reads `chunk` up to its first event; the chunk before has to be read to its end.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<Option<Event>, NomError<String>> {
        debug_assert!(self.rest.is_empty(), "the rest of the chunk before would come after this one");
        let mut input = chunk;
        let event = self.read_event(&mut input)?;
        self.rest.extend_from_slice(input);
        Ok(event)
    }

    fn read_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, NomError<String>> {
        loop {
            let chunk = *input;
            if let Some(retry) = &self.retry {
                *input = retry.line(chunk);
            }
            let fed = input.len();
            let frame = self.parser.next_frame(input).map_err(limit)?;
            let (line, rest) = chunk.split_at(fed - input.len());
            *input = rest;
            match frame {
                Some(Frame::Event(event)) => {
                    let retry = self.retry.take().map(|retry| retry.time);
                    return Ok(Some(owned(event, retry)));
                }
                Some(Frame::Retry(time)) => self.retry = Some(BlockRetry::new(time, line)),
                _ => {
                    if self.retry.as_mut().is_some_and(|retry| retry.ends_block(line)) {
                        self.retry = None;
                    }
                    if rest.is_empty() {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

fn owned(event: proto::Event<'_>, retry: Option<Duration>) -> Event {
    Event { event: event.event.into(), data: event.data.into(), id: event.id.into(), retry }
}

/// Without limits there is no such error; if there were one, this is how the type can express it.
fn limit(_: proto::Error) -> NomError<String> {
    NomError { input: String::new(), code: ErrorKind::TooLarge }
}
