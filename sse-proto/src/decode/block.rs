//! The buffers of 9.2.6, data, event type, last event ID: for what the chunk cannot keep.
//!
//! A value stays in the chunk, as indices, for as long as the chunk is there. It goes to a buffer when the chunk is about
//! to go, or when it cannot be borrowed as it came: several lines, ill-formed UTF-8, a line cut by a chunk border.
//!
//! ```text
//!        ┌──────────────── chunk ────────────────┐┌── next chunk ──┐
//!         event: add ⏎ data: 73857293 ⏎ ⏎ data: to   ma ⏎ ⏎
//!                └┬┘         └───┬──┘           └─buffer─┘
//!           Event { event,     data }            data
//! ```

use core::mem;

use memchr::memchr;

use super::event::{DEFAULT, Event};
use super::fast::Start;
use super::scan::Name;
use super::text::{Text, as_str};
use crate::{Error, Limits};

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the chunk, between these indices. Valid UTF-8.
    Chunk(usize, usize),
    /// In the buffer for such values.
    Buffer,
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) limits: Limits,
    data: Text,
    has_data: bool,
    event: Text,
    /// The last event ID buffer, if this block set it.
    id: Text,
    has_id: bool,
    last_event_id: Text,
    /// A value that is no data: of a comment that cannot be borrowed, or of a line that a chunk cut.
    value: Text,
    /// The buffers hold an event that was handed out.
    stale: bool,
    pub(super) len: Len,
}

/// What the limits measure: bytes as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Len {
    /// Of the data, with the LF between its lines.
    pub(super) data: usize,
    /// Of the event type.
    pub(super) event: usize,
    /// Of the value that is being read, if it is neither.
    value: usize,
}

impl Block {
    pub(super) fn new(last_event_id: Text) -> Self {
        Self {
            limits: Limits::default(),
            data: Text::default(),
            has_data: false,
            event: Text::default(),
            id: Text::default(),
            has_id: false,
            last_event_id,
            value: Text::default(),
            stale: false,
            len: Len::default(),
        }
    }

    #[inline]
    pub(super) fn last_event_id(&self) -> &str {
        self.last_event_id.as_str()
    }

    /// Replaces the last event ID string; an ID that the current block has set still takes its place at the blank line.
    pub(super) fn replace_last_event_id(&mut self, id: Text) {
        self.last_event_id = id;
    }

    #[inline]
    pub(super) fn borrow<'a, 'c: 'a>(&'a self, event: Place, data: Place, chunk: &'c [u8]) -> Event<'a> {
        let event = resolve(event, chunk, &self.event);
        Event {
            event: if event.is_empty() { DEFAULT } else { event },
            data: resolve(data, chunk, &self.data),
            id: self.last_event_id.as_str(),
        }
    }

    pub(super) fn borrow_comment<'a, 'c: 'a>(&'a self, comment: Place, chunk: &'c [u8]) -> &'a str {
        resolve(comment, chunk, &self.value)
    }

    /// Whether there is data in the buffer.
    #[inline]
    pub(super) fn has_data(&self) -> bool {
        self.has_data
    }

    /// Whether there is a type in the buffer.
    #[inline]
    pub(super) fn has_event(&self) -> bool {
        !self.event.is_empty()
    }

    /// Whether the buffers hold an event that was handed out, and have to be cleared.
    #[inline]
    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether there is nothing to lose: no data, no type, no ID since the last blank line.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        !self.has_data && !self.has_event() && !self.has_id
    }

    /// Appends a line of data.
    #[inline]
    pub(super) fn push_data(&mut self, line: &[u8], ascii: bool) {
        if self.has_data {
            self.data.push_byte(b'\n');
        }
        self.has_data = true;
        self.data.push_value(line, ascii);
    }

    /// Starts an event in empty buffers.
    pub(super) fn start(&mut self, start: &Start<'_>) {
        if !start.event.is_empty() {
            self.event.push_value(start.event, true);
        }
        if let Some(id) = start.id {
            self.set_id(id, true);
        }
        self.has_data = true;
        self.data.push(start.data, start.ascii);
        self.len = Len { data: start.data.len(), event: start.event.len(), value: 0 };
    }

    /// Sets the type; `valid` if it is known to be UTF-8.
    pub(super) fn set_event(&mut self, value: &[u8], valid: bool) {
        self.event.clear();
        self.event.push_value(value, valid);
    }

    pub(super) fn clear_event(&mut self) {
        self.event.clear();
    }

    /// Sets the ID, unless it has a NUL.
    pub(super) fn set_id(&mut self, value: &[u8], ascii: bool) {
        if memchr(0, value).is_none() {
            self.id.clear();
            self.id.push_value(value, ascii);
            self.has_id = true;
        }
    }

    /// Sets and commits an ID at once.
    pub(super) fn set_last_event_id(&mut self, ascii: &[u8]) {
        self.last_event_id.clear();
        self.last_event_id.push_value(ascii, true);
    }

    /// Sets the comment that cannot be borrowed.
    pub(super) fn set_comment(&mut self, value: &[u8]) {
        self.value.clear();
        self.value.push_value(value, false);
    }

    /// Starts a value that comes in pieces.
    #[inline]
    pub(super) fn begin(&mut self, name: Name) {
        match name {
            Name::Data => {
                if self.has_data {
                    self.data.push_byte(b'\n');
                    self.len.data += 1;
                }
                self.has_data = true;
            }
            Name::Event => {
                self.event.clear();
                self.len.event = 0;
            }
            _ => {
                self.clear_value();
                self.len.value = 0;
            }
        }
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, name: Name, piece: &[u8], ascii: bool) -> Result<(), Error> {
        if self.push_within(name, piece, ascii) {
            return Ok(());
        }
        Err(match name {
            Name::Id => Error::IdTooLong { limit: self.limits.id },
            _ => Error::EventTooLong { limit: self.limits.event },
        })
    }

    /// Appends a piece, if it is within the limit.
    #[inline]
    pub(super) fn push_within(&mut self, name: Name, piece: &[u8], ascii: bool) -> bool {
        let Some((buffer, len, limit)) = self.slot(name) else {
            return name != Name::Skipped || self.count(piece.len());
        };
        if *len + piece.len() > limit {
            return false;
        }
        *len += piece.len();
        buffer.push(piece, ascii);
        true
    }

    /// Counts bytes of a comment that is skipped, if they are within the limit.
    #[inline]
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        self.len.value += bytes;
        self.len.value <= self.limits.event
    }

    /// Appends a piece to the data, if it is within the limit.
    #[inline]
    pub(super) fn push_piece(&mut self, piece: &[u8], ascii: bool) -> bool {
        let len = self.len.data + piece.len();
        if len + self.len.event > self.limits.event {
            return false;
        }
        self.len.data = len;
        self.data.push(piece, ascii);
        true
    }

    /// Whether a byte can be added to the event: the LF before a further line of data counts too.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.len.data + self.len.event < self.limits.event
    }

    /// Appends a byte to the data, if it is within the limit and takes no more memory.
    #[inline]
    pub(super) fn try_push_byte(&mut self, byte: u8) -> bool {
        let taken = self.has_room() && self.data.try_push_byte(byte);
        self.len.data += usize::from(taken);
        taken
    }

    /// Ends a line of data.
    #[inline]
    pub(super) fn end_data(&mut self) {
        self.data.end();
    }

    /// The buffer for a value, its length so far, and the limit of that; none for an unknown field.
    #[inline]
    fn slot(&mut self, name: Name) -> Option<(&mut Text, &mut usize, usize)> {
        let Limits { event, id, .. } = self.limits;
        match name {
            Name::Data => Some((&mut self.data, &mut self.len.data, event.saturating_sub(self.len.event))),
            Name::Event => Some((&mut self.event, &mut self.len.event, event.saturating_sub(self.len.data))),
            Name::Id => Some((&mut self.value, &mut self.len.value, id)),
            Name::Comment | Name::Retry => Some((&mut self.value, &mut self.len.value, event)),
            Name::Skipped | Name::Unknown | Name::Blank => None,
        }
    }

    /// Ends the value.
    pub(super) fn end(&mut self, name: Name) {
        match name {
            Name::Data => self.data.end(),
            Name::Event => self.event.end(),
            _ => self.value.end(),
        }
        if name == Name::Id && memchr(0, self.value.as_str().as_bytes()).is_none() {
            mem::swap(&mut self.value, &mut self.id);
            self.has_id = true;
        }
    }

    /// The value that was ended last, if it was no data, type or ID.
    pub(super) fn value(&self) -> &str {
        self.value.as_str()
    }

    /// A blank line: the ID becomes the last event ID string.
    #[inline]
    pub(super) fn commit_id(&mut self) {
        if self.has_id {
            mem::swap(&mut self.id, &mut self.last_event_id);
            self.has_id = false;
        }
    }

    /// The event in the buffers was handed out.
    #[inline]
    pub(super) fn set_stale(&mut self) {
        self.stale = true;
    }

    /// Forgets the block, but not the last event ID string.
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.has_data = false;
        self.event.clear();
        self.has_id = false;
        self.stale = false;
        self.len = Len::default();
    }

    /// Whether its buffers have more room than they may keep.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.data.is_large() || self.event.is_large()
    }

    /// The same of the one for a value that is no data.
    #[inline]
    pub(super) fn is_value_large(&self) -> bool {
        self.value.is_large()
    }

    /// Gives back what a giant event left behind.
    #[inline]
    pub(super) fn shrink(&mut self) {
        self.data.shrink();
        self.event.shrink();
    }

    /// Forgets a comment that was handed out, and gives back what a giant one left behind, lest an ID take over its room.
    pub(super) fn clear_value(&mut self) {
        self.value.clear();
        self.value.shrink();
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
