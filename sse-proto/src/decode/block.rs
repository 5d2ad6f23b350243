//! The buffers of 9.2.6, data, event type and last event ID: what there is of a block, and its end.

use core::time::Duration;

use memchr::memchr;

use super::event::{DEFAULT, Event};
use super::field::{Kind, retry};
use super::text::{Long, Short, utf8};
use crate::Limits;

/// A block that does not lie whole in one chunk, or cannot be borrowed as it came.
///
/// Buffers of which `has` does not speak are dead, but not empty: they may be on loan.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) limits: Limits,
    /// Whether lines without effect are kept, to be reported.
    pub(super) diagnose: bool,
    /// Which buffers the block has set: [`DATA`], [`EVENT`], [`ID`].
    has: u8,
    /// All that was pushed since the last blank line is plain ([`find`](super::find)).
    plain: bool,
    /// What the current value may still take.
    room: usize,
    data: Long,
    event: Short,
    id: Short,
    /// The current value, if it is that of an `id`, a `retry` or a comment; or a line without
    /// effect.
    value: Short,
    /// Valid UTF-8, always.
    last_event_id: Short,
    pub(super) retry: Option<Duration>,
    /// Whether a buffer other than `data` may be large.
    large: bool,
}

/// How much of a line without effect is kept.
const IGNORED: usize = 1 << 10;

const DATA: u8 = 1;
const EVENT: u8 = 2;
const ID: u8 = 4;

impl Block {
    /// Nothing to lose: no data, no type, no ID since the last blank line.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.has == 0
    }

    /// Whether an idle block has something to [give back](Self::shrink).
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.data.is_large() || self.large
    }

    /// Starts a value; false if it is over its limit already, by the LF between two lines of data.
    #[inline]
    pub(super) fn begin(&mut self, kind: Kind) -> bool {
        if self.large {
            self.shrink_short();
        }
        match kind {
            Kind::Data => {
                self.room = self.limits.event - self.len();
                if self.has & DATA != 0 {
                    return self.begin_next_line();
                }
                self.data.clear();
                self.has |= DATA;
                return true;
            }
            Kind::Event => {
                self.event.clear();
                self.has &= !EVENT;
                self.room = self.limits.event - self.len();
                return true;
            }
            Kind::Id => {
                self.value.clear();
                self.room = self.limits.id;
                return true;
            }
            Kind::Retry | Kind::Comment => {
                self.value.clear();
                self.room = self.limits.event;
            }
            Kind::Skipped => self.room = self.limits.event,
            Kind::Unknown => {
                if self.diagnose {
                    self.value.clear();
                }
                self.room = usize::MAX;
            }
        }
        // A line that is not part of an event.
        if self.data.is_large() {
            self.shrink();
        }
        true
    }

    /// The bytes of data and type so far.
    #[inline]
    fn len(&self) -> usize {
        let data = if self.has & DATA != 0 { self.data.bytes().len() } else { 0 };
        data + if self.has & EVENT != 0 { self.event.bytes().len() } else { 0 }
    }

    /// Starts a line of data right after another one: the LF between them takes room too.
    #[inline]
    pub(super) fn begin_next_line(&mut self) -> bool {
        let Some(room) = self.room.checked_sub(1) else { return false };
        self.room = room;
        self.data.push(b"\n");
        true
    }

    /// Appends a piece to the value; false if that is over its limit. **This is the limit**
    /// ([`Limits`]; 9.2.6 sets none), for whatever [`begin`](Self::begin) began.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, piece: &[u8], plain: bool) -> bool {
        let Some(room) = self.room.checked_sub(piece.len()) else { return false };
        self.room = room;
        self.plain &= plain;
        if kind == Kind::Data {
            self.data.push(piece);
        } else if kind == Kind::Unknown && self.diagnose {
            self.push_ignored(piece);
        } else if !matches!(kind, Kind::Skipped | Kind::Unknown) {
            self.push_short(kind, piece);
        }
        true
    }

    fn push_short(&mut self, kind: Kind, piece: &[u8]) {
        let buffer = match kind {
            Kind::Event => &mut self.event,
            _ => &mut self.value,
        };
        buffer.push(piece);
        self.large |= buffer.is_large();
    }

    /// Appends a piece to a line without effect, of which so much is kept.
    #[cold]
    pub(super) fn push_ignored(&mut self, piece: &[u8]) {
        let room = IGNORED - self.value.bytes().len().min(IGNORED);
        self.value.push(&piece[..piece.len().min(room)]);
        self.plain &= piece.is_ascii();
    }

    /// The value has no effect. `name` is the name of its field, or empty if `value` includes the
    /// name.
    #[cold]
    fn ignore(&mut self, name: &[u8]) -> bool {
        if self.diagnose {
            let mut line = name.to_vec();
            line.extend_from_slice(self.value.bytes());
            line.truncate(IGNORED);
            self.value.clear();
            self.value.push(&line);
            self.value.validate();
        }
        false
    }

    /// Ends the value, at the end of its line; false if that is of no effect.
    #[inline]
    pub(super) fn end(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Event if !self.event.bytes().is_empty() => self.has |= EVENT,
            // 9.2.6: an ID with a NUL is ignored, and the one before it stays.
            Kind::Id if self.plain || memchr(0, self.value.bytes()).is_none() => {
                core::mem::swap(&mut self.value, &mut self.id);
                self.has |= ID;
            }
            Kind::Id => return self.ignore(b"id: "),
            // 9.2.6: a reconnection time applies at once, whatever becomes of the block.
            Kind::Retry => match retry(self.value.bytes()) {
                Some(ms) => self.retry = Some(Duration::from_millis(ms)),
                None => return self.ignore(b"retry: "),
            },
            Kind::Unknown => return self.ignore(b""),
            Kind::Comment if !self.plain => self.value.validate(),
            _ => {}
        }
        true
    }

    /// Ends the block, at a blank line (9.2.6, "dispatch the event"); true if it is an event, which
    /// is then in the buffers, as text.
    #[inline]
    pub(super) fn dispatch(&mut self) -> bool {
        if self.has == 0 {
            self.plain = true;
            return false;
        }
        let has = core::mem::take(&mut self.has);
        let plain = core::mem::replace(&mut self.plain, true);
        if has & ID != 0 {
            if !plain {
                self.id.validate();
            }
            core::mem::swap(&mut self.id, &mut self.last_event_id);
        }
        if has & EVENT == 0 || has & DATA == 0 {
            self.event.clear();
        }
        if !plain && has & DATA != 0 {
            self.event.validate();
            self.data.validate();
        }
        has & DATA != 0
    }

    /// Drops the ID of the block, which is not to be committed.
    pub(super) fn drop_id(&mut self) {
        self.has &= !ID;
    }

    /// Drops the block.
    pub(super) fn clear(&mut self) {
        self.has = 0;
        self.plain = true;
        self.data.clear();
        self.event.clear();
    }

    /// Gives back what giant values left behind, where nothing is on loan: at the end of a chunk
    /// that ends outside of a value.
    #[cold]
    pub(super) fn shrink(&mut self) {
        if self.has & DATA == 0 {
            self.data.free();
        }
        self.shrink_short();
    }

    /// The same, but for the data: many giant events are likely to follow one.
    #[cold]
    fn shrink_short(&mut self) {
        if self.has & EVENT == 0 {
            self.event.free();
        }
        if self.has & ID == 0 {
            self.id.free();
        }
        self.value.free();
        self.large = [&self.event, &self.id, &self.last_event_id].iter().any(|text| text.is_large());
    }

    /// The event that was dispatched last.
    ///
    /// # Safety
    ///
    /// Nothing was begun since [`dispatch`](Self::dispatch).
    #[inline]
    #[expect(unsafe_code, reason = "see `Text::as_str`")]
    pub(super) unsafe fn event(&self) -> Event<'_> {
        // SAFETY: `dispatch` validates both, unless they are plain, and `clear` empties them.
        let (event, data) = unsafe { (self.event.as_str(), self.data.as_str()) };
        Event { event: if event.is_empty() { DEFAULT } else { event }, data, id: self.last_event_id() }
    }

    /// The last comment.
    ///
    /// # Safety
    ///
    /// Nothing was begun since its [`end`](Self::end).
    #[expect(unsafe_code, reason = "see `Text::as_str`")]
    pub(super) unsafe fn comment(&self) -> &str {
        // SAFETY: `end` validates it, unless it is plain.
        unsafe { self.value.as_str() }
    }

    /// Whether the value happens to be text.
    pub(super) fn is_comment_text(&self) -> bool {
        utf8(self.value.bytes()).is_some()
    }

    #[inline]
    #[expect(unsafe_code, reason = "see `Text::as_str`")]
    pub(super) fn last_event_id(&self) -> &str {
        // SAFETY: it is set from text, or swapped with an ID that `dispatch` has validated, unless
        // that is plain.
        unsafe { self.last_event_id.as_str() }
    }

    /// A block without any data or type yet.
    pub(super) fn new() -> Self {
        Self { plain: true, ..Self::default() }
    }

    #[inline]
    pub(super) fn set_last_event_id(&mut self, id: &str) {
        self.last_event_id.set(id);
    }
}
