//! Buffers of a block (9.2.6): data, event type and last event ID; and the dispatch at its end.
#![expect(unsafe_code, reason = "see `Text::as_str`")]

use core::mem;
use core::time::Duration;

use memchr::memchr;

use super::field::{Kind, retry};
use super::push::Done;
use super::text::{Long, Short, utf8};
use crate::event::DEFAULT;
use crate::{Event, Limits};

/// A block that is not complete in one chunk, or that cannot be borrowed from it.
///
/// What the `unsafe` blocks rely on:
///
/// 1. While the block is [empty](Self::is_empty) and no value has begun, `data` and `event` are
///    valid UTF-8: the text of the last event, which may be lent, or nothing.
/// 2. `raw` is set from the first byte that is not [plain](super::find) up to `dispatch` or
///    `clear`, so text with such a byte is validated before it is lent.
/// 3. `last_event_id` is valid UTF-8 at all times.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) limits: Limits,
    /// Whether lines that the specification ignores are kept, to be reported.
    pub(super) diagnose: bool,
    /// Which buffers the block has set: [`HAS_DATA`], [`HAS_EVENT`], [`HAS_ID`]; or [`SKIPPING`].
    has: u8,
    /// Whether bytes that are not plain were pushed since the last [`dispatch`](Self::dispatch) or
    /// [`clear`](Self::clear).
    raw: bool,
    /// How many more bytes the current value may have.
    room: usize,
    data: Long,
    event: Short,
    /// The current value, if it is neither data nor a type.
    value: Short,
    id: Short,
    /// The last event ID string, always valid UTF-8.
    last_event_id: Short,
    pub(super) retry: Option<Duration>,
    /// The current line, with [`diagnose`](Self::diagnose).
    line: Short,
    line_ends: bool,
    /// Whether a buffer other than `data` may be large.
    large: bool,
}

/// How many bytes of an ignored line are kept.
const IGNORED: usize = 1 << 10;

const HAS_DATA: u8 = 1;
const HAS_EVENT: u8 = 2;
const HAS_ID: u8 = 4;
/// Flag: the block was over a limit, and is skipped.
const SKIPPING: u8 = 8;

impl Block {
    /// Whether the block has no data, no type and no ID since the last blank line, and is not
    /// skipped.
    pub(super) fn is_empty(&self) -> bool {
        self.has == 0
    }

    /// Sets whether ignored lines are kept, from the next byte on.
    pub(super) fn set_diagnose(&mut self, diagnose: bool) {
        (self.diagnose, self.line_ends) = (diagnose, true);
    }

    pub(super) fn has_data(&self) -> bool {
        self.has & HAS_DATA != 0
    }

    pub(super) fn is_skipped(&self) -> bool {
        self.has & SKIPPING != 0
    }

    /// Starts a value; false if the LF between two lines of data already exceeds the limit.
    #[inline]
    pub(super) fn begin(&mut self, kind: Kind) -> bool {
        if self.large || kind != Kind::Data && self.data.is_large() {
            self.shrink();
        }
        match kind {
            Kind::Data => {
                self.room = self.limits.event.saturating_sub(self.len());
                if self.has_data() {
                    return self.begin_next_line();
                }
                self.data.clear();
                self.has |= HAS_DATA;
            }
            Kind::Event => {
                self.has &= !HAS_EVENT;
                self.room = self.limits.event.saturating_sub(self.len());
                self.event.clear();
            }
            Kind::Unreported => self.room = self.limits.event,
            Kind::Unknown => self.room = usize::MAX,
            Kind::Id | Kind::Retry | Kind::Comment => {
                self.room = if kind == Kind::Id { self.limits.id } else { self.limits.event };
                self.value.clear();
            }
        }
        true
    }

    /// The bytes of data and type so far.
    fn len(&self) -> usize {
        let data = if self.has_data() { self.data.bytes().len() } else { 0 };
        data + if self.has & HAS_EVENT != 0 { self.event.bytes().len() } else { 0 }
    }

    /// Starts a line of data right after another one; the LF between them counts for the limit.
    pub(super) fn begin_next_line(&mut self) -> bool {
        let Some(room) = self.room.checked_sub(1) else { return false };
        self.room = room;
        self.data.push(b"\n");
        true
    }

    /// Appends a piece to the value; false, and nothing changes, if the value would exceed `room`,
    /// the rest of its limit. This and [`begin_next_line`](Self::begin_next_line) check the
    /// [`Limits`] (9.2.6 sets none); the fast lane only declines what is longer.
    #[inline(always)]
    pub(super) fn push(&mut self, kind: Kind, piece: &[u8], plain: bool) -> bool {
        let Some(room) = self.room.checked_sub(piece.len()) else { return false };
        self.room = room;
        self.raw |= !plain;
        if kind == Kind::Data {
            self.data.push(piece);
        } else if !matches!(kind, Kind::Unreported | Kind::Unknown) {
            self.push_short(kind, piece);
        }
        true
    }

    #[inline(never)]
    fn push_short(&mut self, kind: Kind, piece: &[u8]) {
        let buffer = if kind == Kind::Event { &mut self.event } else { &mut self.value };
        buffer.push(piece);
        self.large |= buffer.is_large();
    }

    /// Ends the value at the end of its line; false if the specification ignores the line.
    #[inline]
    pub(super) fn end(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Event if !self.event.bytes().is_empty() => self.has |= HAS_EVENT,
            // 9.2.6: an ID with a NUL is ignored, and the one before it stays.
            Kind::Id if self.raw && memchr(0, self.value.bytes()).is_some() => return false,
            Kind::Id => {
                mem::swap(&mut self.value, &mut self.id);
                self.has |= HAS_ID;
            }
            // 9.2.6: a reconnection time applies at once, also if the block is not an event.
            Kind::Retry => match retry(self.value.bytes()) {
                Some(ms) => self.retry = Some(Duration::from_millis(ms)),
                None => return false,
            },
            Kind::Unknown => return self.is_skipped(),
            Kind::Comment if self.raw => self.value.validate(),
            _ => {}
        }
        true
    }

    /// Ends the block, at a blank line (9.2.6, "dispatch the event"): if it is an event, the
    /// buffers then hold its text.
    pub(super) fn dispatch(&mut self) -> Done {
        if self.raw {
            self.validate();
        }
        let has = mem::take(&mut self.has);
        if has == 0 {
            return Done::Block;
        }
        if has & HAS_ID != 0 {
            mem::swap(&mut self.id, &mut self.last_event_id);
        }
        if has & HAS_DATA == 0 {
            self.event.clear();
            return if has & SKIPPING != 0 { Done::Skipped } else { Done::Block };
        }
        if has & HAS_EVENT == 0 {
            self.event.clear();
        }
        Done::Event
    }

    /// Validates the text of the block, at its end. (Before `has` and `raw` are reset: should it
    /// panic because there is no memory, nothing unvalidated is taken for text.)
    #[inline(never)]
    fn validate(&mut self) {
        self.id.validate();
        self.event.validate();
        if self.has_data() {
            self.data.validate();
        }
        self.raw = false;
    }

    /// Drops the ID of the block, which must not be committed.
    pub(super) fn drop_id(&mut self) {
        self.has &= !HAS_ID;
    }

    /// Drops the content of the block.
    pub(super) fn clear(&mut self) {
        self.has = 0;
        self.raw = false;
        self.line_ends = true;
        self.data.clear();
        self.event.clear();
    }

    /// Drops the content of the block, and skips the rest of it.
    pub(super) fn skip(&mut self) {
        self.has = SKIPPING;
    }

    /// Whether an idle block has capacity to [free](Self::shrink).
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.data.is_large() || self.large
    }

    /// Frees the capacity that giant values left behind, when nothing is lent: at the start of a
    /// value, and at the end of a chunk that ends outside a value and a name. (The capacity for
    /// data is freed only at other values, because more giant events are likely to follow.)
    #[cold]
    pub(super) fn shrink(&mut self) {
        if !self.has_data() {
            self.data.free();
        }
        if self.has & HAS_EVENT == 0 {
            self.event.free();
        }
        if self.has & HAS_ID == 0 {
            self.id.free();
        }
        self.value.free();
        self.large = [&self.event, &self.id, &self.last_event_id].iter().any(|text| text.is_large());
    }

    /// Keeps a piece of a line, to report the line if the specification ignores it.
    #[cold]
    pub(super) fn record(&mut self, piece: &[u8], done: Done) {
        if mem::take(&mut self.line_ends) {
            self.line.clear();
        }
        let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(piece.len());
        let room = IGNORED - self.line.bytes().len().min(IGNORED);
        self.line.push(&piece[..end.min(room)]);
        self.line_ends = end < piece.len() || done == Done::Block;
        if done == Done::Ignored {
            self.line.validate();
        }
    }

    /// The event that was dispatched last.
    ///
    /// # Safety
    ///
    /// The block [is empty](Self::is_empty), and no value has begun (1).
    #[inline]
    pub(super) unsafe fn event(&self) -> Event<'_> {
        // SAFETY: `dispatch` validates both unless they are plain, or empties them, as `clear`
        // does; `shrink` empties them or leaves them. After that, data that begins sets a bit of
        // `has`, and so does the end of a type that is not empty.
        let (event, data) = unsafe { (self.event.as_str(), self.data.as_str()) };
        Event { event: if event.is_empty() { DEFAULT } else { event }, data, id: self.last_event_id() }
    }

    /// The last comment.
    ///
    /// # Safety
    ///
    /// The buffer of values is valid UTF-8, as it is after the [`end`](Self::end) of a comment.
    pub(super) unsafe fn comment(&self) -> &str {
        // SAFETY: the caller vouches for it.
        unsafe { self.value.as_str() }
    }

    /// The last ignored line; `None` if the buffer holds another line by now, which is not text.
    pub(super) fn ignored(&self) -> Option<&str> {
        utf8(self.line.bytes())
    }

    /// Whether the value is valid UTF-8.
    pub(super) fn is_comment_text(&self) -> bool {
        utf8(self.value.bytes()).is_some()
    }

    #[inline]
    pub(super) fn last_event_id(&self) -> &str {
        // SAFETY: it is set from text, or swapped with an ID that `dispatch` has validated, unless
        // that is plain.
        unsafe { self.last_event_id.as_str() }
    }

    #[inline]
    pub(super) fn set_last_event_id(&mut self, id: &str) {
        self.last_event_id.set(id);
    }
}
