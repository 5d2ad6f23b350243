//! Reads around damage, event by event.
//!
//! The engine reads its tables in blocks of several events, also of several topics, and a range
//! that touches a damaged block fails. A read of one key fails only if the key itself may be in the
//! damaged block, because the tables have filters. So here the numbers of a topic are tried one by
//! one:
//!
//! ```text
//!   dropped │ 41 │ 42 │ ██ │ ██ │ 45 │ 46 │ ██ │ ██ │ free     numbers
//!         record      └ gap ────┘         └ gap ────┴ the newest place: the next event is 49
//! ```

use std::ops::RangeInclusive;

use super::{BACKWARDS, Mark, Run, View, parsed};
use crate::Place;
use crate::disk::damage::ReadError;
use crate::disk::keys::{self, TopicId, TopicRecord};
use crate::log::{Amount, Stored};

/// How many numbers are tried one by one before the steps get longer.
const SINGLE_STEPS: u64 = 64;

/// The number of missing events from which it says nothing: where the filter of a table is damaged,
/// every number seems to be in use, and the search for a free one ends after this many.
pub(in crate::disk) const UNKNOWABLE: u64 = 1 << 32;

/// State of a number of a topic.
enum Slot {
    Event(Mark),
    Damaged,
    /// No event has the number, or the event was dropped.
    Free,
}

impl View {
    fn slot(&self, id: TopicId, number: u64) -> Result<Slot, ReadError> {
        match self.value(id, number) {
            Ok(None) => Ok(Slot::Free),
            Ok(Some(value)) => Ok(Slot::Event(parsed(number, &value).into())),
            Err(ReadError::Damaged { .. }) => Ok(Slot::Damaged),
            Err(error) => Err(error),
        }
    }

    /// Finds the place of the newest event of a topic, whose range cannot be read.
    ///
    /// If that event is damaged, its stamp is unknown. The stamp of an earlier event stands for it:
    /// the place of the damaged event itself is then a gap, unless both are of one batch.
    pub(super) fn search_newest(&self, record: &TopicRecord) -> Result<Mark, ReadError> {
        let id = record.id;
        let first = self.first(id)?.map_or(0, |first| first.place.number.saturating_sub(1));
        let start = record.place.number.max(first);
        let mut newest = start;
        loop {
            newest = self.last_in_use(id, newest)?;
            // Readable events after a hole in the numbers.
            match self.readable_after(id, newest) {
                Some(number) => newest = number,
                None => break,
            }
        }
        if newest == record.place.number {
            return Ok(Mark { place: record.place, given: record.given.clone() });
        }
        if let Slot::Event(mark) = self.slot(id, newest)? {
            return Ok(mark);
        }
        let before = self.readable_before(id, newest, start)?;
        let stamp = before.map_or(record.place.stamp, |before| before.stamp);
        Ok(Mark { place: Place::new(stamp, newest), given: None })
    }

    /// The place of a readable event between `start` and `number`, both excluded.
    fn readable_before(&self, id: TopicId, number: u64, start: u64) -> Result<Option<Place>, ReadError> {
        let mut back = 1;
        while number.saturating_sub(back) > start {
            if let Slot::Event(mark) = self.slot(id, number - back)? {
                return Ok(Some(mark.place));
            }
            back *= 2;
        }
        Ok(None)
    }

    /// Whether a place may belong to a damaged event, or to the end of a reported gap: no event is
    /// readable there, and the stamp fits between the events before and after.
    pub(in crate::disk) fn is_damaged_place(
        &self,
        id: TopicId,
        at: Place,
        start: u64,
        last: u64,
    ) -> Result<bool, ReadError> {
        if let Slot::Event(_) = self.slot(id, at.number)? {
            return Ok(false);
        }
        if self.readable_before(id, at.number, start)?.is_some_and(|before| at.stamp < before.stamp) {
            return Ok(false);
        }
        let Some(next) = self.first_readable(id, at.number.saturating_add(1)..=last)? else {
            return Ok(true);
        };
        Ok(self.event(id, next)?.is_none_or(|next| at.stamp <= next.place.stamp))
    }

    /// The last number after `number`, or `number` itself, up to which no number is free.
    fn last_in_use(&self, id: TopicId, number: u64) -> Result<u64, ReadError> {
        let is_free = |number| Ok::<_, ReadError>(matches!(self.slot(id, number)?, Slot::Free));
        let (mut used, mut step) = (number, 1);
        while step <= UNKNOWABLE && !is_free(used.saturating_add(step))? {
            used = used.saturating_add(step);
            step *= 2;
        }
        let mut free = used.saturating_add(step);
        while free - used > 1 {
            let middle = used + (free - used) / 2;
            if is_free(middle)? { free = middle } else { used = middle }
        }
        Ok(used)
    }

    /// The number of a readable event after `number`, if the engine finds one.
    fn readable_after(&self, id: TopicId, number: u64) -> Option<u64> {
        let range = keys::event(id, number.checked_add(1)?)..=keys::event(id, u64::MAX);
        self.segments.iter().rev().find_map(|segment| {
            let key = segment.range(range.clone()).next()?.key().ok()?;
            keys::read_event(&key).map(|(_, number)| number)
        })
    }

    /// [`page`](Self::page) of a range in which something is damaged.
    pub(super) fn page_around(
        &self,
        id: TopicId,
        numbers: RangeInclusive<u64>,
        amount: Amount,
    ) -> Result<Vec<Stored>, ReadError> {
        match self.first_readable(id, numbers.clone())? {
            Some(first) => Ok(self.run(Run::new(1, true, amount), id, first..=*numbers.end())?.stored()),
            None => Ok(Vec::new()),
        }
    }

    /// [`newest`](Self::newest) of a range in which something is damaged.
    pub(super) fn newest_around(
        &self,
        id: TopicId,
        last: u64,
        amount: Amount,
    ) -> Result<Vec<Stored>, ReadError> {
        let mut run = self.run(Run::new(BACKWARDS, false, amount), id, (1..=last).rev())?;
        run.events.reverse();
        Ok(run.stored())
    }

    /// The events with these numbers up to the first one that cannot be read.
    fn run(&self, mut run: Run, id: TopicId, numbers: impl Iterator<Item = u64>) -> Result<Run, ReadError> {
        for number in numbers {
            let value = match self.value(id, number) {
                Ok(Some(value)) => value,
                Ok(None) | Err(ReadError::Damaged { .. }) => break,
                Err(error) => return Err(error),
            };
            if run.push(number, value).is_break() {
                break;
            }
        }
        Ok(run)
    }

    /// The number of the first readable event.
    ///
    /// Steps get longer, so that a whole damaged table costs few reads. Longer steps may skip
    /// readable events between two damages.
    fn first_readable(&self, id: TopicId, numbers: RangeInclusive<u64>) -> Result<Option<u64>, ReadError> {
        let is_readable = |number| Ok::<_, ReadError>(matches!(self.slot(id, number)?, Slot::Event(_)));
        let (mut at, last) = (*numbers.start(), *numbers.end());
        let (mut unreadable, mut tries, mut step) = (None, 0, 1);
        while at <= last && !is_readable(at)? {
            if at == last {
                return Ok(None);
            }
            unreadable = Some(at);
            tries += 1;
            if tries % SINGLE_STEPS == 0 {
                step *= 2;
            }
            at = at.saturating_add(step).min(last);
        }
        if at > last {
            return Ok(None);
        }
        let Some(mut before) = unreadable else { return Ok(Some(at)) };
        while at - before > 1 {
            let middle = before + (at - before) / 2;
            if is_readable(middle)? { at = middle } else { before = middle }
        }
        Ok(Some(at))
    }
}
