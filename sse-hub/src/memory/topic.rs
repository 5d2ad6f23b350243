//! One topic of the log in memory.

use proto::{Cursor, Gap, History, HistoryLimits, Instant};

use super::forgotten::Last;
use super::keys::Keys;
use crate::Place;
use crate::log::{After, Amount, Extent, Feeds, Key, Located, Page, Stored};

#[derive(Debug)]
pub(super) struct MemoryTopic {
    /// The events; positions in the history are the numbers of places.
    history: History<Entry>,
    pub(super) last: Last,
    /// The place before the first event since the topic was created, with the stamp from which on
    /// places are equivalent to it.
    base: Place,
    since: u64,
    pub(super) keys: Keys,
    pub(super) feeds: Feeds,
}

#[derive(Debug)]
struct Entry {
    event: Stored,
    /// The stamp of the previous event.
    previous: u64,
}

impl AsRef<[u8]> for Entry {
    fn as_ref(&self) -> &[u8] {
        self.event.wire()
    }
}

impl MemoryTopic {
    /// Creates a topic without events that continues after `last`; `stamp` is the newest stamp now.
    pub(super) fn new(limits: HistoryLimits, mut last: Last, stamp: u64) -> Self {
        let mut history = History::new(limits);
        history.skip_to(last.number);
        let since = last.since;
        if last.number == 0 {
            last.place = Place::new(stamp, 0);
        }
        Self {
            history,
            base: Place::new(stamp, last.number),
            since,
            last,
            keys: Keys::default(),
            feeds: Feeds::default(),
        }
    }

    pub(super) fn append(&mut self, events: &[Stored], key: Option<&Key>, now: Instant) {
        for event in events {
            let previous = self.last.place.stamp;
            self.history.append(now, event.id().map(|id| &**id), Entry { event: event.clone(), previous });
            self.last.place = event.place();
            self.last.id = event.id().cloned();
        }
        (self.last.number, self.last.since) = (self.last.place.number, self.last.place.stamp + 1);
        if let (Some(key), Some(first)) = (key, events.first()) {
            self.keys.add(key, first.place(), self.last.number);
        }
        self.keys.forget_up_to(self.history.oldest().position());
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.history.expire(now);
        self.keys.forget_up_to(self.history.oldest().position());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.history.is_empty()
    }

    pub(super) fn into_last(self) -> Last {
        self.last
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.history.read(&mut Cursor::at(number)).ok().flatten()
    }

    /// The place before the oldest event.
    fn start(&self) -> Place {
        let number = self.history.oldest().position();
        self.entry(number).map_or(self.last.place, |entry| Place::new(entry.previous, number))
    }

    pub(super) fn extent(&self, newest: Amount) -> Extent {
        let (mut number, mut bytes) = (self.last.number, 0);
        while let Some(entry) = number.checked_sub(1).and_then(|before| self.entry(before)) {
            bytes += entry.event.wire().len();
            if (self.last.number - number) as usize >= newest.events || bytes > newest.bytes {
                break;
            }
            number -= 1;
        }
        Extent {
            start: self.start(),
            last: self.last.place,
            last_id: self.last.id.clone(),
            newest: self.events(number, newest),
            ended: None,
        }
    }

    fn events(&self, after: u64, amount: Amount) -> Vec<Stored> {
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut number = after;
        while events.len() < amount.events
            && let Some(entry) = self.entry(number)
        {
            bytes += entry.event.wire().len();
            if bytes > amount.bytes && !events.is_empty() {
                break;
            }
            events.push(entry.event.clone());
            number += 1;
        }
        events
    }

    pub(super) fn locate(&self, id: &str) -> Located {
        let given = match self.history.after(id) {
            Ok(cursor) => Some(cursor.position()),
            Err(_) => (self.last.id.as_deref() == Some(id)).then_some(self.last.number),
        };
        let own = id.parse().ok().map(|place| self.find(place));
        match (given, own) {
            (Some(given), Some(Ok(own))) => Located::After(self.place(given.min(own))),
            (Some(number), _) | (None, Some(Ok(number))) => Located::After(self.place(number)),
            (None, Some(Err((gap, resume)))) => Located::Gone { missed: gap.missed, resume },
            (None, None) => Located::Gone { missed: None, resume: self.start() },
        }
    }

    /// The place with this number, if it is kept; otherwise the start.
    fn place(&self, number: u64) -> Place {
        let before = number.checked_sub(1).and_then(|before| self.entry(before));
        before.map_or_else(
            || if number == self.last.number { self.last.place } else { self.start() },
            |entry| entry.event.place(),
        )
    }

    /// The number after which reading resumes at `place`; or the gap, and the place after it.
    fn find(&self, place: Place) -> Result<u64, (Gap, Place)> {
        let start = self.start();
        // Nothing was published between the earlier places of the topic and its first place now.
        if start.number == self.base.number && (self.since..=self.base.stamp).contains(&place.stamp) {
            return Ok(start.number);
        }
        if start.number <= place.number && place.number <= self.last.number {
            let known = self.place(place.number);
            if known == place || place == Place::default() {
                return Ok(place.number);
            }
        } else if place.number < start.number && place.stamp <= start.stamp && place.stamp >= self.last.from {
            return Err((Gap::of(start.number - place.number), start));
        }
        // The place is not from this log: continue after every event that may have come before it.
        let mut number = start.number;
        while let Some(entry) = self.entry(number).filter(|entry| entry.event.place().stamp <= place.stamp) {
            number = entry.event.place().number;
        }
        Err((Gap::UNKNOWN, self.place(number)))
    }

    /// As [`find`](Self::find), for an event of which the number alone is known.
    fn find_number(&self, number: u64, until: Place) -> Result<u64, (Gap, Place)> {
        let start = self.start();
        match start.number.checked_sub(number) {
            Some(missed @ 1..) => Err((Gap::of(missed), start)),
            _ if number <= self.last.number && self.place(number).stamp <= until.stamp => Ok(number),
            _ => self.find(until).and(Err((Gap::UNKNOWN, start))),
        }
    }

    pub(super) fn read(&self, after: After, amount: Amount) -> Page {
        let found = match after {
            After::Place(place) => self.find(place),
            After::Number { number, until } => self.find_number(number, until),
        };
        let (gap, after) = match found {
            Ok(number) => (None, self.place(number)),
            Err((gap, resume)) => (Some(gap), resume),
        };
        Page { gap, after, events: self.events(after.number, amount) }
    }
}
