//! Updates of the tail: opening, appended batches, losses, and repair by reading the log.

use proto::Instant;

use super::{Entry, Tail};
use crate::Place;
use crate::log::{Extent, Page, Stored};

/// Number of events from one anchor of the tail to the next.
const ANCHORS: u64 = 256;

/// What an update did to the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TailChange {
    /// The tail has new events.
    Grown,
    /// Nothing changed.
    Unchanged,
    /// Events are missing, or the log has others: the events after the end have to be read from the
    /// log.
    Incomplete,
}

impl Tail {
    /// Fills the tail from the opened log. Reports whether a newer place than the log's was
    /// announced meanwhile.
    pub(crate) fn load(&mut self, extent: Extent, now: Instant) -> TailChange {
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
        let early_loss = std::mem::take(&mut self.early_loss);
        self.lose(early_loss);
        match self.ahead.take() {
            Some(place) => self.latest(place),
            None => TailChange::Unchanged,
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
        (self.restarted, self.anchor) = (self.loaded, floor);
        self.shift = position.wrapping_sub(floor.number);
        (self.end, self.end_id, self.joined) = (floor, None, None);
    }

    /// Empties the tail, because the topic was ended.
    pub(crate) fn unload(&mut self) {
        let end = self.history.end().position();
        self.history.skip_to(end);
        (self.loaded, self.ahead, self.joined, self.early_loss) = (false, None, None, 0);
        self.ends += 1;
    }

    /// How often the topic was ended. A report of the log from before an end is not valid after it.
    pub(crate) fn ends(&self) -> u64 {
        self.ends
    }

    /// Adds a batch that the log reported.
    pub(crate) fn appended(&mut self, events: Vec<Stored>, now: Instant) -> TailChange {
        let Some(last) = events.last().map(Stored::place) else { return TailChange::Unchanged };
        if !self.loaded {
            self.ahead = self.ahead.max(Some(last));
            return TailChange::Unchanged;
        }
        let mut news = TailChange::Unchanged;
        for event in events {
            if self.end.is_followed_by(event.place()) {
                self.push(event, now);
                news = TailChange::Grown;
            } else if event.place() > self.end {
                // A hole, or numbers that were given twice.
                self.ahead = self.ahead.max(Some(last));
                return TailChange::Incomplete;
            }
        }
        news
    }

    /// Compares the tail with the newest place of the log.
    pub(crate) fn latest(&mut self, place: Place) -> TailChange {
        if !self.loaded {
            self.ahead = self.ahead.max(Some(place));
            return TailChange::Unchanged;
        }
        // Before its first event a topic has no fixed place.
        if place == self.end || place.number == 0 && self.end.number == 0 {
            return TailChange::Unchanged;
        }
        self.ahead = self.ahead.max(Some(place));
        TailChange::Incomplete
    }

    /// Records that the log lost events just before the stamp `border`: cursors before it get a gap
    /// of unknown size.
    pub(crate) fn lose(&mut self, border: u64) {
        if !self.loaded {
            self.early_loss = self.early_loss.max(border);
            return;
        }
        let first = self.after_stamp(border.saturating_sub(1));
        // The tail has no events after the loss, or none before it.
        if first == self.history.end() || self.place(first).is_none_or(|place| place.stamp >= border) {
            return;
        }
        self.history.skip_to(first.position());
        (self.lost, self.border, self.joined) = (first.position(), border, None);
    }

    /// Whether newer events were reported than the tail has.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.repair().1.is_some()
    }

    /// Start of a repair: the place to read after, and the newest place that was reported; `None`
    /// if nothing is missing, or if the topic is not open.
    pub(crate) fn repair(&self) -> (Place, Option<Place>) {
        (self.end, self.ahead.filter(|_| self.loaded))
    }

    /// Adds the events that the log had after the place from [`repair`](Self::repair). Returns
    /// whether there may be more to read.
    pub(crate) fn repaired(
        &mut self,
        (asked, ahead): (Place, Option<Place>),
        page: Page,
        now: Instant,
    ) -> (TailChange, bool) {
        if !self.loaded {
            // The topic was ended meanwhile, and the page may hold events that it dropped.
            return (TailChange::Unchanged, false);
        }
        if asked != self.end {
            return (TailChange::Unchanged, self.ahead.is_some_and(|ahead| ahead > self.end));
        }
        let mut news = TailChange::Unchanged;
        if let Some(gap) = page.gap {
            match gap.missed {
                // The log is unchanged, but has dropped some of the missed events.
                Some(missed) if asked.number.checked_add(missed) == Some(page.after.number) => {
                    self.history.skip_to(page.after.number.wrapping_add(self.shift));
                    (self.end, self.end_id, self.joined) = (page.after, None, None);
                }
                _ => self.begin(page.after),
            }
            news = TailChange::Grown;
        }
        let more = !page.events.is_empty();
        for event in page.events {
            if self.end.is_followed_by(event.place()) {
                self.push(event, now);
                news = TailChange::Grown;
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
}
