//! The buffers of 9.2.6: data, event type, last event ID; where their values are, how much room they take.
//!
//! Values stay in the chunk, as indices, for as long as the chunk is there. They go to a buffer when it is about to
//! go, or when they cannot be borrowed as they came: several lines, ill-formed UTF-8, a line cut by a chunk border.
//!
//! ```text
//!        ┌──────────────── chunk ────────────────┐┌── next chunk ──┐
//!         event: add ⏎ data: 73857293 ⏎ ⏎ data: to   ma ⏎ ⏎
//!                └┬┘         └───┬──┘           └─buffer─┘
//!           Event { event,     data }            data
//! ```

use core::mem;
use core::str::from_utf8;

use super::event::{Completed, Event};
use super::scan::{Line, Name};
use super::text::{Text, as_str};
use crate::{Error, Limits};

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the chunk, between these indices. Valid UTF-8.
    Chunk(usize, usize),
    /// In the buffer for such values.
    Buffer,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) limits: Limits,
    /// Where the data is, if there was a data line. `Chunk` means the chunk that is being read.
    data_place: Option<Place>,
    data: Text,
    event_place: Place,
    event: Text,
    /// The last event ID buffer, if this block set it.
    id: Text,
    has_id: bool,
    last_event_id: Text,
    /// A value that is no data: of a comment that cannot be borrowed, or of a line that a chunk cut.
    value: Text,
    /// What the limits measure: bytes as they came, of the data, the type, and the value being read.
    data_len: usize,
    event_len: usize,
    value_len: usize,
    /// The buffers hold an event that was handed out.
    stale: bool,
}

impl Block {
    pub(super) fn new(last_event_id: Text) -> Self {
        Self {
            limits: Limits::default(),
            data_place: None,
            data: Text::default(),
            event_place: Place::Buffer,
            event: Text::default(),
            id: Text::default(),
            has_id: false,
            last_event_id,
            value: Text::default(),
            data_len: 0,
            event_len: 0,
            value_len: 0,
            stale: false,
        }
    }

    pub(super) fn last_event_id(&self) -> &str {
        self.last_event_id.as_str()
    }

    /// The event that [`dispatch`](Self::dispatch) completed.
    #[inline]
    pub(super) fn borrow<'a, 'c: 'a>(&'a self, event: Place, data: Place, chunk: &'c [u8]) -> Event<'a> {
        let event = resolve(event, chunk, &self.event);
        Event {
            event: if event.is_empty() { "message" } else { event },
            data: resolve(data, chunk, &self.data),
            id: self.last_event_id.as_str(),
        }
    }

    /// The comment that [`comment`](Self::comment) placed.
    pub(super) fn borrow_comment<'a, 'c: 'a>(&'a self, comment: Place, chunk: &'c [u8]) -> &'a str {
        resolve(comment, chunk, &self.value)
    }

    /// Takes the value of a `data`, `event` or `id` line that lies whole in the chunk.
    #[inline]
    pub(super) fn whole(&mut self, line: &Line, chunk: &[u8]) -> Result<(), Error> {
        let value = &chunk[line.start..line.end];
        let borrow = match line.name {
            Name::Data => self.data_place.is_none(),
            Name::Event => !value.is_empty(),
            _ => false,
        } && is_utf8(value, line.ascii);
        if !borrow && line.name == Name::Data {
            self.spill_data(chunk);
        }
        self.begin(line.name);
        self.admit(line.name, value.len())?;
        match (borrow, line.name) {
            (true, Name::Data) => self.data_place = Some(Place::Chunk(line.start, line.end)),
            (true, _) => self.event_place = Place::Chunk(line.start, line.end),
            (false, name) => {
                let buffer = self.buffer(name);
                if line.ascii {
                    buffer.push_str(as_str(value))
                } else {
                    buffer.push(value)
                }
                self.end(name);
            }
        }
        Ok(())
    }

    /// Places a comment that lies whole in the chunk.
    pub(super) fn comment(&mut self, line: &Line, chunk: &[u8]) -> Result<Place, Error> {
        let value = &chunk[line.start..line.end];
        self.admit_comment(value.len())?;
        if is_utf8(value, line.ascii) {
            return Ok(Place::Chunk(line.start, line.end));
        }
        self.value.push(value);
        self.end(Name::Comment);
        Ok(Place::Buffer)
    }

    /// Counts a comment that nobody will look at.
    pub(super) fn admit_comment(&mut self, len: usize) -> Result<(), Error> {
        self.begin(Name::Comment);
        self.admit(Name::Comment, len)
    }

    /// Starts a value that comes in pieces.
    pub(super) fn begin(&mut self, name: Name) {
        match name {
            Name::Data => {
                if self.data_place.is_some() {
                    self.data_len += 1;
                }
                if self.data_place == Some(Place::Buffer) {
                    self.data.push_str("\n");
                }
            }
            Name::Event => {
                self.event_len = 0;
                self.event_place = Place::Buffer;
                self.event.clear();
            }
            _ => {
                self.value_len = 0;
                self.clear_value();
            }
        }
    }

    /// Forgets a comment that was handed out, and gives back what a giant one left behind, lest an ID take over its room.
    pub(super) fn clear_value(&mut self) {
        self.value.clear();
        self.value.shrink();
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, name: Name, piece: &[u8]) -> Result<(), Error> {
        if name == Name::Unknown {
            return Ok(());
        }
        self.admit(name, piece.len())?;
        self.buffer(name).push(piece);
        Ok(())
    }

    /// Ends the value.
    pub(super) fn end(&mut self, name: Name) {
        self.buffer(name).end();
        match name {
            Name::Data => self.data_place = Some(Place::Buffer),
            Name::Id if !self.value.as_str().contains('\0') => {
                mem::swap(&mut self.value, &mut self.id);
                self.has_id = true;
            }
            _ => {}
        }
    }

    /// The value that was ended last, if it was no data, type or ID.
    pub(super) fn value(&self) -> &str {
        self.value.as_str()
    }

    /// A blank line: commits the ID, and says where the event is, if there is one.
    #[inline]
    pub(super) fn dispatch(&mut self) -> Option<Completed> {
        if mem::take(&mut self.has_id) {
            mem::swap(&mut self.id, &mut self.last_event_id);
        }
        let event = mem::replace(&mut self.event_place, Place::Buffer);
        self.data_len = 0;
        self.event_len = 0;
        match self.data_place.take() {
            None => {
                self.event.clear();
                None
            }
            Some(data) => {
                self.stale = data == Place::Buffer || !self.event.is_empty();
                Some(Completed::Event { event, data })
            }
        }
    }

    /// Dispatches a block that lacks its blank line: its ID may be cut, and is not committed.
    pub(super) fn flush(&mut self) -> Option<Completed> {
        self.has_id = false;
        self.dispatch()
    }

    /// Copies what lies in the chunk, which is about to go.
    pub(super) fn spill(&mut self, chunk: &[u8]) {
        self.spill_data(chunk);
        if let Place::Chunk(start, end) = mem::replace(&mut self.event_place, Place::Buffer) {
            self.event.push_str(as_str(&chunk[start..end]));
        }
    }

    fn spill_data(&mut self, chunk: &[u8]) {
        if let Some(Place::Chunk(start, end)) = self.data_place {
            self.data.push_str(as_str(&chunk[start..end]));
            self.data_place = Some(Place::Buffer);
        }
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether there is nothing to lose: no data, no type, no ID since the last blank line.
    pub(super) fn is_empty(&self) -> bool {
        self.stale || self.data_place.is_none() && self.event_len == 0 && !self.has_id
    }

    /// Forgets the block, but not the last event ID string.
    pub(super) fn clear(&mut self) {
        self.data_place = None;
        self.data.clear();
        self.event_place = Place::Buffer;
        self.event.clear();
        self.has_id = false;
        self.value.clear();
        self.data_len = 0;
        self.event_len = 0;
        self.stale = false;
    }

    /// Gives back what a giant event or comment left behind.
    pub(super) fn shrink(&mut self) {
        self.data.shrink();
        self.event.shrink();
        self.value.shrink();
    }

    fn buffer(&mut self, name: Name) -> &mut Text {
        match name {
            Name::Data => &mut self.data,
            Name::Event => &mut self.event,
            _ => &mut self.value,
        }
    }

    /// Counts the bytes of a value against its limit.
    #[inline]
    fn admit(&mut self, name: Name, len: usize) -> Result<(), Error> {
        let (taken, limit) = match name {
            Name::Data => {
                self.data_len += len;
                (self.data_len + self.event_len, self.limits.event)
            }
            Name::Event => {
                self.event_len += len;
                (self.data_len + self.event_len, self.limits.event)
            }
            Name::Id => {
                self.value_len += len;
                (self.value_len, self.limits.id)
            }
            _ => {
                self.value_len += len;
                (self.value_len, self.limits.event)
            }
        };
        if taken <= limit {
            Ok(())
        } else if name == Name::Id {
            Err(Error::IdTooLong { limit })
        } else {
            Err(Error::EventTooLong { limit })
        }
    }
}

/// The text at a place. What lies in the chunk was validated when it was placed.
#[inline]
fn resolve<'a, 'c: 'a>(place: Place, chunk: &'c [u8], buffer: &'a Text) -> &'a str {
    match place {
        Place::Chunk(start, end) => as_str(&chunk[start..end]),
        Place::Buffer => buffer.as_str(),
    }
}

#[inline]
fn is_utf8(value: &[u8], ascii: bool) -> bool {
    ascii || from_utf8(value).is_ok()
}
