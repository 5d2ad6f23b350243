//! Reads of one topic: its first and last event, the place of an ID, the events after a place.
//!
//! ```text
//!   dropped       │ 42 │ 43 │ … │ 99 │        numbers
//!              start                last
//! ```

use std::sync::Arc;

use super::damage::ReadError;
use super::keys::{Clock, TopicId, TopicRecord};
use super::time::Time;
use super::view::{UNKNOWABLE, View};
use crate::log::{After, Amount, Extent, Located, Page};
use crate::{Gap, Place};

/// A topic, seen in one view of the keyspaces.
pub(super) struct Topic<'v> {
    view: &'v View,
    clock: Clock,
    known: Option<Known>,
}

/// A topic that has events, or whose last place the log remembers.
struct Known {
    id: TopicId,
    /// The place before the oldest event that is kept.
    start: Place,
    /// Whether the stamp of `start` is known; otherwise it is an upper bound.
    start_is_exact: bool,
    /// The place of the newest event, kept or not.
    last: Place,
    last_id: Option<Arc<str>>,
    record: TopicRecord,
}

impl<'v> Topic<'v> {
    pub(super) fn new(view: &'v View, clock: Clock, name: &str) -> Result<Self, ReadError> {
        let Some(record) = view.record(name)? else { return Ok(Self { view, clock, known: None }) };
        let first = view.first(record.id)?;
        let last = view.newest_place(&record)?;
        let (start, start_is_exact) = match first.map(|first| first.place) {
            // The oldest event may be damaged.
            None if record.place.number < last.place.number => (record.place, record.place.number > 0),
            None => (last.place, true),
            Some(first) if record.place.number > 0 && record.place.is_followed_by(first) => {
                (record.place, true)
            }
            // No event is before the first one, or the event before is being dropped or was
            // damaged.
            Some(first) => (Place::new(first.stamp, first.number.saturating_sub(1)), false),
        };
        let (last, last_id) = (last.place, last.given);
        let known = Known { id: record.id, start, start_is_exact, last, last_id, record };
        Ok(Self { view, clock, known: Some(known) })
    }

    /// The first and last place of the topic, and its newest events.
    pub(super) fn extent(&self, newest: Amount, time: &Time) -> Result<Extent, ReadError> {
        let Some(known) = &self.known else {
            return Ok(Extent { start: self.present(), last: self.present(), ..Extent::default() });
        };
        Ok(Extent {
            start: known.start,
            last: known.last,
            last_id: known.last_id.clone(),
            newest: self.view.newest(known.id, known.last.number, newest)?,
            ended: time.refused_for(&known.record),
        })
    }

    pub(super) fn locate(&self, id: &str) -> Result<Located, ReadError> {
        let place = id.parse().map(|place| self.locate_place(place)).ok().transpose()?;
        let Some(known) = &self.known else {
            return Ok(place.unwrap_or(Located::Gone { missed: None, resume: self.present() }));
        };
        let is_newest = known.last_id.as_deref() == Some(id);
        let given = self.view.given(known.id, id)?.or(is_newest.then_some(known.last));
        Ok(match (given, place) {
            // The client may mean either event, and must not miss one.
            (Some(given), Some(Located::After(place))) => {
                Located::After(if place.number < given.number { place } else { given })
            }
            (Some(given), _) => Located::After(given),
            (None, Some(located)) => located,
            (None, None) => Located::Gone { missed: None, resume: known.start },
        })
    }

    pub(super) fn read(&self, after: After, amount: Amount) -> Result<Page, ReadError> {
        let located = match (&self.known, after) {
            (None, After::Place(place)) if place == Place::default() => Located::After(place),
            (_, After::Place(place)) => self.locate_place(place)?,
            (Some(known), After::Number { number, until }) => self.locate_number(known, number, until)?,
            (None, After::Number { until, .. }) => self.locate_unknown(until),
        };
        let (mut gap, mut from) = match located {
            Located::After(place) => (None, place),
            Located::Gone { missed, resume } => (Some(missed.map_or(Gap::UNKNOWN, Gap::of)), resume),
        };
        let Some(known) = &self.known else { return Ok(Page { gap, after: from, events: Vec::new() }) };
        let last = known.last;
        let events = self.view.page(known.id, from.number.saturating_add(1)..=last.number, amount)?;
        let next = events.first().map(|event| event.place());
        let next = next.map_or(last, |first| Place::new(from.stamp.min(first.stamp), first.number - 1));
        let missing = next.number.saturating_sub(from.number);
        if missing > 0 {
            // A hole in the numbers, which only damage causes.
            let told = gap.map_or(Some(0), |gap| gap.missed).filter(|_| missing < UNKNOWABLE);
            gap = Some(told.map_or(Gap::UNKNOWN, |told| Gap::of(told + missing)));
            from = next;
        }
        Ok(Page { gap, after: from, events })
    }

    /// Finds an event by its number; `until` is at or after it.
    fn locate_number(&self, known: &Known, number: u64, until: Place) -> Result<Located, ReadError> {
        let start = known.start;
        let at = match self.view.event(known.id, number)? {
            Some(event) => Some(event.place).filter(|place| place.stamp <= until.stamp),
            None if number == start.number => Some(start),
            // Dropped, or damaged: its stamp is gone, and it was not lower than that.
            None => (number <= known.last.number).then_some(Place::new(start.stamp, number)),
        };
        match at {
            Some(at) => Ok(known.after_number(at)),
            None => Ok(Located::Gone { missed: None, resume: self.last_not_above(known, until.stamp)? }),
        }
    }

    /// The place at which a topic begins that never had an event.
    fn present(&self) -> Place {
        Place::new(self.clock.stamp, 0)
    }

    fn locate_place(&self, at: Place) -> Result<Located, ReadError> {
        let Some(known) = &self.known else { return Ok(self.locate_unknown(at)) };
        let is_known = if at.number > known.last.number {
            false
        } else if at.number == known.last.number && (at.stamp == known.last.stamp || at.number == 0) {
            true
        } else if at.number > known.start.number {
            let (start, last) = (known.start.number, known.last.number);
            match self.view.event(known.id, at.number)? {
                Some(event) => event.place == at,
                None => self.view.is_damaged_place(known.id, at, start, last)?,
            }
        } else if at.number == known.start.number && known.start_is_exact {
            at == known.start
        } else {
            at.stamp <= known.start.stamp
        };
        if is_known {
            return Ok(known.after_number(at));
        }
        Ok(Located::Gone { missed: None, resume: self.last_not_above(known, at.stamp)? })
    }

    /// Locates a place in a topic that the log does not know: it never had an event, or was
    /// forgotten.
    fn locate_unknown(&self, at: Place) -> Located {
        let forgotten = self.clock.forgotten;
        // A place with a number must be the newest event of the topic that was forgotten last; a
        // place without a number may be any later one.
        let has_all = if at.number == 0 { at.stamp >= forgotten } else { at.stamp == forgotten };
        if has_all {
            return Located::After(Place::new(at.stamp, 0));
        }
        Located::Gone { missed: None, resume: self.present() }
    }

    /// The place of the last event whose stamp is not above `stamp`, or the start.
    fn last_not_above(&self, known: &Known, stamp: u64) -> Result<Place, ReadError> {
        // Stamps rise with numbers.
        let (mut found, mut above) = (known.start, known.last.number.saturating_add(1));
        while found.number + 1 < above {
            let middle = found.number + (above - found.number) / 2;
            match self.view.event(known.id, middle)? {
                Some(event) if event.place.stamp <= stamp => found = event.place,
                _ => above = middle,
            }
        }
        Ok(found)
    }
}

impl Known {
    /// Where reading resumes after a place that the log has or had.
    fn after_number(&self, at: Place) -> Located {
        match self.start.number.checked_sub(at.number) {
            None | Some(0) => Located::After(at),
            Some(missed) => Located::Gone { missed: Some(missed), resume: self.start },
        }
    }
}
