//! Last places of topics whose events are gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::Place;

/// The last place of a topic, and the ID that the application gave the event there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) place: Place,
    pub(super) id: Option<Arc<str>>,
    /// The stamp after which the topic has had no event.
    pub(super) since: u64,
    /// The stamp from which on the present numbering of events is valid.
    pub(super) from: u64,
    /// How many events the topic has had.
    pub(super) number: u64,
}

/// Last places of a limited number of topics, and the highest stamp among those that were dropped:
/// a topic that is not found here has had no later event.
#[derive(Debug)]
pub(super) struct Forgotten {
    limit: usize,
    by_name: HashMap<Arc<str>, (u64, Last)>,
    oldest: BTreeMap<u64, Arc<str>>,
    sequence: u64,
    dropped: u64,
}

impl Forgotten {
    /// Creates an empty memory; nothing is known about the time before `start`.
    pub(super) fn new(limit: usize, start: u64) -> Self {
        Self { limit, by_name: HashMap::new(), oldest: BTreeMap::new(), sequence: 0, dropped: start }
    }

    pub(super) fn remember(&mut self, name: Arc<str>, last: Last) {
        // A topic that never had an event has nothing to remember.
        if last.number == 0 {
            return;
        }
        self.forget(&name);
        self.sequence += 1;
        self.oldest.insert(self.sequence, Arc::clone(&name));
        self.by_name.insert(name, (self.sequence, last));
        while self.by_name.len() > self.limit
            && let Some((_, name)) = self.oldest.pop_first()
            && let Some((_, last)) = self.by_name.remove(&name)
        {
            self.dropped = self.dropped.max(last.place.stamp);
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        if let Some((sequence, _)) = self.by_name.remove(name) {
            self.oldest.remove(&sequence);
        }
    }

    /// The last place of a topic.
    pub(super) fn last(&self, name: &str) -> Last {
        match self.by_name.get(name) {
            Some((_, last)) => last.clone(),
            None => Last { since: self.dropped, from: self.dropped, ..Last::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(stamp: u64) -> Last {
        Last { place: Place::new(stamp, 1), id: None, since: stamp + 1, from: 10, number: 1 }
    }

    #[test]
    fn the_topics_forgotten_first_are_dropped_first_and_leave_their_stamp() {
        let mut forgotten = Forgotten::new(2, 10);
        for (name, stamp) in [("a", 30), ("b", 20), ("c", 25)] {
            forgotten.remember(name.into(), last(stamp));
        }
        assert_eq!(forgotten.last("a"), Last { since: 30, from: 30, ..Last::default() });
        assert_eq!((forgotten.last("b"), forgotten.last("c")), (last(20), last(25)));
        forgotten.forget("b");
        forgotten.remember("d".into(), last(40));
        assert_eq!(forgotten.last("c"), last(25));
        forgotten.remember("never".into(), Last::default());
        assert_eq!(forgotten.by_name.len(), 2, "nothing to remember");
    }
}
