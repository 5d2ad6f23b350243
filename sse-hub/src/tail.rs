//! Tail: the newest events of a topic in memory, in the order of the log.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proto::{Cursor, Gap, History, HistoryLimits, Instant};

use crate::log::{After, Extent, Page, Stored};
use crate::{Amount, Place};

/// How many bytes one read returns at most, unless a single batch is longer.
pub(crate) const FRAME: usize = 64 << 10;

/// Number of events from one anchor of the tail to the next.
const ANCHORS: u64 = 256;

/// The newest events of a topic, which up-to-date subscribers read. Only the log feeds it, so all
/// nodes have one order.
///
/// ```text
///   in the log alone │ 18 │ 19 │ 20 │ 21 │ 22 │      numbers
///                 floor            ▲          end
///                                cursor = number + shift
/// ```
///
/// Cursors never count backwards, but numbers may: after the log lost events, the shift changes,
/// and every older cursor gets a gap of unknown size.
#[derive(Debug)]
pub(crate) struct Tail {
    history: History<Entry>,
    /// Cursor position minus number, modulo 2⁶⁴.
    shift: u64,
    end: Place,
    end_id: Option<Arc<str>>,
    /// Position and stamp of the end of a loss: positions below belong to numbers that the log
    /// lost.
    lost: u64,
    border: u64,
    /// The stamp of a loss that was reported while the topic was opening.
    heard: u64,
    /// Whether the log has restarted its count since the topic was opened.
    anew: bool,
    /// A place that is updated from time to time, at or after most places that fall off the tail.
    anchor: Place,
    joined: Option<Joined>,
    loaded: bool,
    /// The newest place that was reported but is not in the tail.
    ahead: Option<Place>,
}

#[derive(Debug)]
struct Entry {
    event: Stored,
    /// The stamp of the event before the newest one.
    previous: u64,
}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        self.event.wire()
    }
}

/// Cache of the last batches that were concatenated. Subscribers that one burst wakes read the same
/// bytes.
#[derive(Debug)]
struct Joined {
    from: Cursor,
    to: Cursor,
    bytes: Bytes,
}

/// Result of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The tail has new events.
    News,
    /// Nothing changed.
    Nothing,
    /// Events are missing, or the log has others: the events after the end have to be read from the
    /// log.
    Repair,
}

impl Tail {
    pub(crate) fn new(limits: HistoryLimits) -> Self {
        Self {
            history: History::new(limits),
            shift: 0,
            end: Place::default(),
            end_id: None,
            lost: 0,
            border: 0,
            heard: 0,
            anew: false,
            anchor: Place::default(),
            joined: None,
            loaded: false,
            ahead: None,
        }
    }

    /// Fills the tail from the opened log. Reports whether a newer place than the log's was
    /// announced meanwhile.
    pub(crate) fn load(&mut self, extent: Extent, now: Instant) -> Fed {
        let mut newest = extent.newest.into_iter().peekable();
        let floor = match newest.peek().map(Stored::place) {
            None => extent.last,
            Some(first) if extent.start.is_followed_by(first) => extent.start,
            // The event before is not in the tail, and its stamp is unknown: begin after the first
            // event.
            Some(first) => {
                newest.next();
                first
            }
        };
        self.begin(floor);
        self.loaded = true;
        for event in newest {
            self.push(event, now);
        }
        self.end_id = extent.last_id;
        let heard = std::mem::take(&mut self.heard);
        self.lose(heard);
        match self.ahead.take() {
            Some(place) => self.latest(place),
            None => Fed::Nothing,
        }
    }

    /// Empties the tail, which continues after `floor`; older cursors get a gap of unknown size.
    fn begin(&mut self, floor: Place) {
        let end = self.history.end().position();
        let position = match self.loaded {
            true => end + 1,
            false => floor.number.max(end),
        };
        self.history.skip_to(position);
        (self.lost, self.border) = (position, floor.stamp);
        (self.anew, self.anchor) = (self.loaded, floor);
        self.shift = position.wrapping_sub(floor.number);
        (self.end, self.end_id, self.joined) = (floor, None, None);
    }

    /// Empties the tail, because the topic was ended.
    pub(crate) fn unload(&mut self) {
        let end = self.history.end().position();
        self.history.skip_to(end);
        (self.loaded, self.ahead, self.joined, self.heard) = (false, None, None, 0);
    }

    /// Adds a batch that the log reported.
    pub(crate) fn appended(&mut self, events: Vec<Stored>, now: Instant) -> Fed {
        let Some(last) = events.last().map(Stored::place) else { return Fed::Nothing };
        if !self.loaded {
            self.ahead = self.ahead.max(Some(last));
            return Fed::Nothing;
        }
        let mut news = Fed::Nothing;
        for event in events {
            if self.end.is_followed_by(event.place()) {
                self.push(event, now);
                news = Fed::News;
            } else if event.place() > self.end {
                // A hole, or numbers that were given twice.
                self.ahead = self.ahead.max(Some(last));
                return Fed::Repair;
            }
        }
        news
    }

    /// Compares the tail with the newest place of the log.
    pub(crate) fn latest(&mut self, place: Place) -> Fed {
        if !self.loaded {
            self.ahead = self.ahead.max(Some(place));
            return Fed::Nothing;
        }
        // Before its first event a topic has no fixed place.
        if place == self.end || place.number == 0 && self.end.number == 0 {
            return Fed::Nothing;
        }
        self.ahead = self.ahead.max(Some(place));
        Fed::Repair
    }

    /// Records that the log lost events just before the stamp `border`: cursors before it get a gap
    /// of unknown size.
    pub(crate) fn lose(&mut self, border: u64) {
        if !self.loaded {
            self.heard = self.heard.max(border);
            return;
        }
        let first = self.after_stamp(border.saturating_sub(1));
        // The tail has no events after the loss, or none before it.
        if first == self.history.end() || self.place(first).stamp >= border {
            return;
        }
        self.history.skip_to(first.position());
        (self.lost, self.border, self.joined) = (first.position(), border, None);
    }

    /// Start of a repair: the place to read after, and the newest place that was reported.
    pub(crate) fn repair(&self) -> (Place, Option<Place>) {
        (self.end, self.ahead)
    }

    /// Adds the events that the log had after the place from [`repair`](Self::repair). Returns
    /// whether there may be more to read.
    pub(crate) fn repaired(
        &mut self,
        (asked, ahead): (Place, Option<Place>),
        page: Page,
        now: Instant,
    ) -> (Fed, bool) {
        if asked != self.end {
            return (Fed::Nothing, self.ahead.is_some_and(|ahead| ahead > self.end));
        }
        let mut news = Fed::Nothing;
        if let Some(gap) = page.gap {
            match gap.missed {
                // The log is unchanged, but has dropped some of the missed events.
                Some(missed) if page.after.number == asked.number + missed => {
                    self.history.skip_to(page.after.number.wrapping_add(self.shift));
                    (self.end, self.end_id, self.joined) = (page.after, None, None);
                }
                _ => self.begin(page.after),
            }
            news = Fed::News;
        }
        let more = !page.events.is_empty();
        for event in page.events {
            if self.end.is_followed_by(event.place()) {
                self.push(event, now);
                news = Fed::News;
            }
        }
        // Events reported since the page was read may be missing from it.
        let all = !more && self.ahead == ahead;
        if all || self.ahead.is_some_and(|ahead| ahead <= self.end) {
            self.ahead = None;
        }
        (news, self.ahead.is_some())
    }

    fn push(&mut self, event: Stored, now: Instant) {
        let id = event.id().cloned();
        let previous = self.end.stamp;
        self.end = event.place();
        if self.end.number.is_multiple_of(ANCHORS) {
            self.anchor = self.end;
        }
        self.history.append(now, id.as_deref(), Entry { event, previous });
        self.end_id = id;
    }

    /// The cursor for a subscriber that has everything up to and including the event with this ID;
    /// `None` if the tail does not know the ID.
    pub(crate) fn after(&self, id: &str) -> Option<Cursor> {
        let given = match self.history.after(id) {
            Ok(cursor) => Some(cursor),
            Err(_) => (self.end_id.as_deref() == Some(id)).then(|| self.history.end()),
        };
        let own = id.parse().ok().and_then(|place| self.after_place(place));
        given.into_iter().chain(own).min()
    }

    /// The cursor after this place; `None` if it is neither the place of an event in the tail nor
    /// the place before the first one.
    pub(crate) fn after_place(&self, place: Place) -> Option<Cursor> {
        self.after_number(place.number).filter(|cursor| self.place(*cursor) == place)
    }

    /// [`after_place`](Self::after_place) for a place that the log has confirmed: whatever its
    /// stamp, no event lies before the first one, unless events were lost.
    pub(crate) fn after_confirmed(&self, place: Place) -> Option<Cursor> {
        match place.number == 0 && !self.anew {
            true => self.after_number(0),
            false => self.after_place(place),
        }
    }

    /// Where a read of the log goes on, if that is here.
    pub(crate) fn after_read(&self, after: After) -> Option<Cursor> {
        match after {
            After::Place(place) => self.after_place(place),
            // If the log has restarted its count since, the number means nothing.
            After::Number { number, until } => self.after_place(until).and(self.after_number(number)),
        }
    }

    fn after_number(&self, number: u64) -> Option<Cursor> {
        let cursor = Cursor::at(number.wrapping_add(self.shift));
        let here = self.history.oldest() <= cursor && cursor <= self.history.end();
        (self.loaded && here).then_some(cursor)
    }

    /// The cursor before the first event whose stamp is above `stamp`.
    pub(crate) fn after_stamp(&self, stamp: u64) -> Cursor {
        let (mut low, mut high) = (self.history.oldest().position(), self.history.end().position());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(Cursor::at(middle)).is_some_and(|entry| entry.event.place().stamp <= stamp) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Cursor::at(low)
    }

    fn entry(&self, cursor: Cursor) -> Option<&Entry> {
        self.history.read(&mut { cursor }).ok().flatten()
    }

    /// The place of a cursor between the floor and the end.
    pub(crate) fn place(&self, cursor: Cursor) -> Place {
        let Some(entry) = self.entry(cursor) else { return self.end };
        let stamp = if cursor.position() == self.lost { self.border } else { entry.previous };
        Place::new(stamp, cursor.position().wrapping_sub(self.shift))
    }

    /// The place from which the log is read for a cursor that may be before the oldest event here;
    /// `None` if the log has restarted its count.
    pub(crate) fn in_log(&self, cursor: Cursor) -> Option<After> {
        let number = cursor.position().wrapping_sub(self.shift);
        if cursor.position() == self.lost {
            return Some(After::Place(Place::new(self.border, number)));
        }
        // The same one for many subscribers, so that equal reads are one.
        let until = if self.anchor.number >= number { self.anchor } else { self.end };
        (cursor.position() > self.lost).then_some(After::Number { number, until })
    }

    /// The stamp of the event at `cursor`; `None` if there is no event.
    pub(crate) fn stamp(&self, cursor: Cursor) -> Option<u64> {
        self.entry(cursor).map(|entry| entry.event.place().stamp)
    }

    /// The ID after which a client resumes at `cursor`.
    pub(crate) fn id_before(&self, cursor: Cursor) -> String {
        let before = cursor.position().checked_sub(1).map(Cursor::at);
        let event = before.and_then(|before| self.entry(before)).and_then(|entry| entry.event.id());
        let end_id = self.end_id.as_ref().filter(|_| cursor == self.history.end());
        match event.or(end_id) {
            Some(id) => id.as_ref().to_owned(),
            None => self.place(cursor).to_string(),
        }
    }

    /// Reads whole batches, up to the size of one write, and moves the cursor past them; `None` at
    /// the end.
    pub(crate) fn read(&mut self, cursor: &mut Cursor) -> Result<Option<Bytes>, Gap> {
        let from = *cursor;
        let Some(first) = self.history.read(&mut { from }).map_err(|gap| {
            *cursor = self.history.oldest();
            if from.position() < self.lost { Gap::UNKNOWN } else { gap }
        })?
        else {
            return Ok(None);
        };
        let (bytes, count) = first.event.rest();
        *cursor = Cursor::at(from.position() + count as u64);
        if *cursor == self.history.end() {
            return Ok(Some(bytes.clone()));
        }
        if let Some(joined) = self.joined.as_ref().filter(|joined| joined.from == from) {
            *cursor = joined.to;
            return Ok(Some(joined.bytes.clone()));
        }
        let mut length = bytes.len();
        while let Some(next) = self.entry(*cursor) {
            let (bytes, count) = next.event.rest();
            if length + bytes.len() > FRAME {
                break;
            }
            length += bytes.len();
            *cursor = Cursor::at(cursor.position() + count as u64);
        }
        if length == bytes.len() {
            // Alone because of its size, and shared: a subscriber that does not read must not hold
            // a copy of it.
            return Ok(Some(bytes.clone()));
        }
        let mut joined = BytesMut::with_capacity(length);
        let mut next = from;
        while next < *cursor
            && let Some(entry) = self.entry(next)
        {
            let (bytes, count) = entry.event.rest();
            joined.extend_from_slice(bytes);
            next = Cursor::at(next.position() + count as u64);
        }
        let bytes = joined.freeze();
        self.joined = Some(Joined { from, to: *cursor, bytes: bytes.clone() });
        Ok(Some(bytes))
    }

    /// Drops events that are too old.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.history.expire(now);
        if self.history.is_empty() {
            self.joined = None;
        }
    }

    /// The time until which at least one event is kept; `None` if there is none.
    pub(crate) fn last_expiry(&self) -> Option<Instant> {
        self.history.last_expiry()
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.history.is_empty()
    }

    /// The cursor before the oldest event in the tail.
    pub(crate) fn oldest(&self) -> Cursor {
        self.history.oldest()
    }

    /// The cursor after the newest event.
    pub(crate) fn end(&self) -> Cursor {
        self.history.end()
    }

    /// The place of the newest event.
    pub(crate) fn end_place(&self) -> Place {
        self.end
    }

    /// How many events a cursor is behind.
    pub(crate) fn lag(&self, cursor: Cursor) -> u64 {
        self.history.lag(cursor)
    }
}

/// How much of a topic the tail holds at most.
pub(crate) fn amount(limits: HistoryLimits) -> Amount {
    Amount { events: limits.events.max(1), bytes: limits.bytes }
}

#[cfg(test)]
mod tests;
