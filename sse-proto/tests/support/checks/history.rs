//! Check of the replay log against a list that keeps everything.

use std::time::Duration;

use sse_proto::{Cursor, Gap, History, HistoryLimits, Instant};

use super::Input;

/// Everything that was ever appended.
struct Everything {
    limits: HistoryLimits,
    history: History<Vec<u8>>,
    all: Vec<Entry>,
    /// The first of `all` that is kept.
    kept_from: usize,
    now: Instant,
}

struct Entry {
    appended: Instant,
    id: Option<String>,
    item: Vec<u8>,
}

impl Entry {
    fn size(&self) -> usize {
        self.item.len() + self.id.as_ref().map_or(0, String::len)
    }
}

/// Arbitrary operations on a log: bounds, cursors and gaps are what the list says.
///
/// Input: the limits, whether there is an epoch, then operations.
pub fn history(input: &[u8]) {
    let mut input = Input::new(input);
    let limits = HistoryLimits::new()
        .with_events(input.byte().into())
        .with_bytes(usize::from(input.byte()) * 4)
        .with_age(Duration::from_secs(input.byte().into()));
    let history = if input.byte() & 1 == 0 {
        History::new(limits)
    } else {
        History::with_epoch(limits, "e").expect("it can be an ID")
    };
    let mut everything = Everything { limits, history, all: vec![], kept_from: 0, now: Instant::ZERO };
    let mut readers: Vec<(Cursor, usize)> = vec![];
    while !input.is_empty() {
        match input.byte() {
            b'a' => {
                let id = Some(input.text()).filter(|id| !id.is_empty());
                everything.append(id, vec![b'x'; input.byte().into()]);
            }
            b'w' => everything.now += Duration::from_secs(input.byte().into()),
            b'x' => {
                everything.history.expire(everything.now);
                everything.expire();
            }
            b's' => readers.push((everything.history.oldest(), everything.kept_from)),
            b'e' => readers.push((everything.history.end(), everything.all.len())),
            b'r' => {
                let reader = usize::from(input.byte());
                if let Some((cursor, position)) = readers.get_mut(reader) {
                    everything.read(cursor, position);
                }
            }
            _ => everything.look_up(&input.text()),
        }
        everything.bounds_hold();
    }
    for position in 0..=everything.all.len() {
        everything.look_up(&format!("e-{position}"));
    }
    for index in 0..everything.all.len() {
        if let Some(id) = everything.all[index].id.clone() {
            everything.look_up(&id);
        }
    }
}

impl Everything {
    fn append(&mut self, id: Option<String>, item: Vec<u8>) {
        let next_id = self.history.next_id();
        assert!(next_id.is_none_or(|next_id| next_id == format!("e-{}", self.all.len() + 1)));
        self.history.append(self.now, id.as_deref(), item.clone());
        self.all.push(Entry { appended: self.now, id, item });
        self.make_room();
    }

    /// Keeps the longest tail that the limits allow, and always the newest event.
    fn make_room(&mut self) {
        let newest = self.all.len() - 1;
        let allowed = |from: &usize| {
            let kept = &self.all[*from..];
            kept.len() <= self.limits.events
                && kept.iter().map(Entry::size).sum::<usize>() <= self.limits.bytes
        };
        self.kept_from = (self.kept_from..newest).find(allowed).unwrap_or(newest);
        self.expire();
    }

    fn expire(&mut self) {
        let kept = self.all[self.kept_from..].iter();
        self.kept_from += kept.take_while(|entry| entry.appended + self.limits.age < self.now).count();
    }

    fn bounds_hold(&self) {
        let kept = &self.all[self.kept_from..];
        assert_eq!(self.history.len(), kept.len());
        assert_eq!(self.history.bytes(), kept.iter().map(Entry::size).sum::<usize>());
        assert_eq!(self.history.next_expiry(), kept.first().map(|entry| entry.appended + self.limits.age));
        assert_eq!(self.following(self.history.oldest()), kept.len());
    }

    fn read(&self, cursor: &mut Cursor, position: &mut usize) {
        assert_eq!(self.history.lag(*cursor), (self.all.len() - *position) as u64);
        let read = self.history.read(cursor);
        if let Some(missed) = self.kept_from.checked_sub(*position).filter(|&missed| missed > 0) {
            assert!(matches!(read, Err(Gap { missed: Some(count), .. }) if count == missed as u64));
            *position = self.kept_from;
            assert_eq!(*cursor, self.history.oldest());
        } else {
            assert_eq!(read, Ok(self.all.get(*position).map(|entry| &entry.item)));
            *position = self.all.len().min(*position + 1);
        }
    }

    fn look_up(&self, id: &str) {
        let found = self.history.after(id);
        let kept_from = self.kept_from;
        let holders: Vec<usize> =
            (0..self.all.len()).filter(|&index| self.all[index].id.as_deref() == Some(id)).collect();
        let own = id.strip_prefix("e-").filter(|_| self.history.next_id().is_some());
        let own = own.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let own =
            own.and_then(|digits| digits.parse().ok()).filter(|&number: &usize| number <= self.all.len());
        let kept = holders.iter().copied().find(|&index| index >= kept_from);
        match found.map_err(|gap| gap.missed) {
            Ok(cursor) => {
                let position = self.all.len() - self.following(cursor);
                let held = kept.is_some() && holders.iter().any(|index| index + 1 == position);
                assert!(own == Some(position) || held, "{id:?} is neither its own nor the application's");
                // Among the places that the ID may mean, one after which no event is missed.
                assert!(kept.is_none_or(|index| position <= index + 1), "{id:?}");
                assert!(own.is_none_or(|own| position <= own), "{id:?}");
            }
            Err(Some(missed)) => {
                assert_eq!(own.map(|number| number + missed as usize), Some(kept_from), "{id:?}");
            }
            // An event with this ID is kept, and one that is gone had it as well; or nothing is
            // known of it.
            Err(None) if kept.is_some() => assert!(holders[0] < kept_from, "{id:?}"),
            Err(None) => assert_eq!(own, None, "{id:?}"),
        }
    }

    /// How many events follow the cursor; they are the last ones, in order.
    fn following(&self, mut cursor: Cursor) -> usize {
        let rest: Vec<&Vec<u8>> =
            std::iter::from_fn(|| self.history.read(&mut cursor).expect("it was given just now")).collect();
        let tail = &self.all[self.all.len() - rest.len()..];
        assert!(rest.iter().zip(tail).all(|(item, entry)| **item == entry.item));
        rest.len()
    }
}
