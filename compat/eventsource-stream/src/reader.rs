//! Parser that returns owned events one at a time, from chunks.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use proto::{Error, Frame, Limits, Parser};

use crate::Event;
use crate::retry::{Block, Finder};

/// Capacity that the buffer of [`Reader::rest`] may keep once it is empty.
const RETAINED: usize = 128 * 1024;

/// A parser, and the rest of the last chunk after an event.
///
/// The type of a chunk is not a parameter of [`EventStream`](crate::EventStream), so a chunk cannot
/// be kept: the rest of it after an event is copied once.
pub(crate) struct Reader {
    parser: Parser,
    finder: Finder,
    /// The block that is read line by line, because it may have a `retry` line.
    block: Option<Block>,
    /// How many bytes from the current position on are known to hold no `retry` line.
    plain: usize,
    /// The last byte that was read.
    last: u8,
    rest: Vec<u8>,
    read: usize,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            parser: Parser::new().with_limits(Limits::NONE),
            finder: Finder::new(),
            // The first one may begin with a byte order mark.
            block: Some(Block::after(b'\n')),
            plain: 0,
            last: b'\n',
            rest: Vec::new(),
            read: 0,
        }
    }

    pub(crate) fn parser(&self) -> &Parser {
        &self.parser
    }

    pub(crate) fn set_last_event_id(&mut self, id: String) {
        self.parser.set_last_event_id(id);
    }

    /// The next event of the last chunk.
    #[inline]
    pub(crate) fn next_event(&mut self) -> Result<Option<Event>, Error> {
        if self.read == self.rest.len() { Ok(None) } else { self.read_rest() }
    }

    fn read_rest(&mut self) -> Result<Option<Event>, Error> {
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

    /// Reads `chunk` up to its first event; the chunk before it must have been read to its end.
    #[inline]
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<Option<Event>, Error> {
        debug_assert!(self.rest.is_empty(), "the rest of the chunk before would come after this one");
        let mut input = chunk;
        if self.block.is_none() {
            self.plain = self.finder.plain(self.last, input);
        }
        if let Some(event) = self.read_event(&mut input)? {
            self.rest.extend_from_slice(input);
            return Ok(Some(event));
        }
        Ok(None)
    }

    fn read_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        loop {
            if self.block.is_some() {
                if let Some(event) = self.read_block(input)? {
                    return Ok(Some(event));
                }
                if self.block.is_some() {
                    return Ok(None);
                }
            }
            let (mut line, rest) = input.split_at(self.plain);
            // Each `return` makes its own value: `None` in a variable would be copied as a whole
            // event.
            if let Some(event) = self.parser.next_event(&mut line)? {
                let event = owned(event, None);
                self.advance(input, self.plain - line.len());
                return Ok(Some(event));
            }
            self.advance(input, self.plain);
            if rest.is_empty() {
                return Ok(None);
            }
            self.block = Some(Block::after(self.last));
        }
    }

    /// Reads a block line by line, up to its event or its end, or the end of the input.
    #[cold]
    fn read_block(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        while let Some(block) = &mut self.block
            && !input.is_empty()
        {
            let mut rest = block.line(input);
            let length = rest.len();
            let frame = self.parser.next_frame(&mut rest)?;
            let length = length - rest.len();
            let event = match frame {
                Some(Frame::Event(event)) => Some(owned(event, block.retry)),
                Some(Frame::Retry(time)) => {
                    block.retry = Some(time);
                    None
                }
                _ => None,
            };
            let ended = block.ends_with(&input[..length]) || event.is_some();
            self.plain = length;
            self.advance(input, length);
            if ended {
                self.block = None;
                self.plain = self.finder.plain(self.last, input);
                return Ok(event);
            }
        }
        Ok(None)
    }

    fn advance(&mut self, input: &mut &[u8], length: usize) {
        self.last = input[..length].last().copied().unwrap_or(self.last);
        self.plain -= length;
        *input = &input[length..];
    }
}

#[inline]
fn owned(event: proto::Event<'_>, retry: Option<Duration>) -> Event {
    Event { event: event.event.into(), data: event.data.into(), id: event.id.into(), retry }
}
