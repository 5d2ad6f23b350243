//! Positions in the tail: IDs, places and stamps to cursors, and back.

use proto::Cursor;

use super::{Entry, Tail};
use crate::Place;
use crate::log::After;

impl Tail {
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
        self.after_number(place.number).filter(|cursor| self.place(*cursor) == Some(place))
    }

    /// [`after_place`](Self::after_place) for a place that the log has confirmed: whatever its
    /// stamp, no event lies before the first one, unless events were lost.
    pub(crate) fn after_confirmed(&self, place: Place) -> Option<Cursor> {
        match place.number == 0 && !self.restarted {
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

    pub(super) fn entry(&self, cursor: Cursor) -> Option<&Entry> {
        self.history.read(&mut { cursor }).ok().flatten()
    }

    /// The place of a cursor; `None` if the cursor is before the oldest event in the tail.
    pub(crate) fn place(&self, cursor: Cursor) -> Option<Place> {
        if cursor == self.history.end() {
            return Some(self.end);
        }
        let entry = self.entry(cursor)?;
        let stamp = if cursor.position() == self.lost { self.border } else { entry.previous };
        Some(Place::new(stamp, cursor.position().wrapping_sub(self.shift)))
    }

    /// The place before the oldest event in the tail.
    pub(crate) fn floor(&self) -> Place {
        // Without events, the floor is the end.
        self.place(self.history.oldest()).unwrap_or(self.end)
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

    /// The ID after which a client resumes at `cursor`; `None` if the cursor is before the oldest
    /// event in the tail.
    ///
    /// So a subscriber that lags is never sent the ID of a place that it has not reached.
    pub(crate) fn id_before(&self, cursor: Cursor) -> Option<String> {
        let before = cursor.position().checked_sub(1).map(Cursor::at);
        let event = before.and_then(|before| self.entry(before)).and_then(|entry| entry.event.id());
        let end_id = self.end_id.as_ref().filter(|_| cursor == self.history.end());
        match event.or(end_id) {
            Some(id) => Some(id.as_ref().to_owned()),
            None => self.place(cursor).map(|place| place.to_string()),
        }
    }
}
