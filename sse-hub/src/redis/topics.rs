//! Topics that hubs of this node follow, and the newest known event of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::names::Names;
use crate::Place;
use crate::log::{Feed, Feeds, Update};

/// The number of seconds in which every topic is compared once.
pub(super) const COMPARE_EVERY: u64 = 30;

/// For how many topics that are only published to the newest event is remembered, to detect that
/// the server lost it.
const UNFOLLOWED: usize = 16_384;

/// How many places of one topic may wait for a comparison: one for each new connection meanwhile.
const DOUBTS: usize = 8;

/// The topics of a node, by channel.
#[derive(Debug, Default)]
pub(super) struct Topics(Mutex<Map>);

#[derive(Debug, Default)]
struct Map {
    followed: HashMap<String, Topic>,
    /// The newest events of topics that are only published to.
    unfollowed: HashMap<String, Place>,
    count: u64,
}

#[derive(Debug)]
struct Topic {
    names: Arc<Names>,
    feeds: Feeds,
    /// The second, within the comparison interval, at which the topic is compared.
    phase: u64,
    /// The newest event that this node knows.
    newest: Place,
    /// The newest event at the time of each new connection. The server may have lost that event,
    /// and appended newer ones since.
    doubts: Vec<Place>,
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    /// Adds a feed; returns its number, for [`remove`](Self::remove).
    pub(super) fn add(&self, names: &Arc<Names>, feed: Feed) -> u64 {
        let map = &mut *self.lock();
        map.count += 1;
        let newest = map.unfollowed.remove(&names.channel).unwrap_or_default();
        let new = || Topic {
            names: Arc::clone(names),
            feeds: Feeds::default(),
            phase: map.count % COMPARE_EVERY,
            newest,
            doubts: Vec::new(),
        };
        map.followed.entry(names.channel.clone()).or_insert_with(new).feeds.add(feed)
    }

    /// Removes a feed; returns whether it was the last one of its topic.
    pub(super) fn remove(&self, channel: &str, number: u64) -> bool {
        let mut lock = self.lock();
        let map = &mut *lock;
        let Some(topic) = map.followed.get_mut(channel) else { return false };
        let feed = topic.feeds.remove(number);
        let newest = topic.newest;
        let last = topic.feeds.is_empty();
        if last {
            map.followed.remove(channel);
            map.note_unfollowed(channel, newest);
        }
        drop(lock);
        // A feed owns things that may call the log.
        drop(feed);
        last
    }

    pub(super) fn is_followed(&self, channel: &str) -> bool {
        self.lock().followed.contains_key(channel)
    }

    pub(super) fn names(&self, channel: &str) -> Option<Arc<Names>> {
        self.lock().followed.get(channel).map(|topic| Arc::clone(&topic.names))
    }

    pub(super) fn all(&self) -> Vec<Arc<Names>> {
        self.select(|_| true)
    }

    /// The topics to compare in this second.
    pub(super) fn due(&self, second: u64) -> Vec<Arc<Names>> {
        self.select(|topic| topic.phase == second % COMPARE_EVERY)
    }

    fn select(&self, wanted: impl Fn(&Topic) -> bool) -> Vec<Arc<Names>> {
        let map = self.lock();
        let wanted = map.followed.values().filter(|topic| wanted(topic));
        wanted.map(|topic| Arc::clone(&topic.names)).collect()
    }

    /// Sends an update to the feeds of a topic.
    pub(super) fn tell(&self, channel: &str, update: &Update) {
        // The wakes are dropped without the lock.
        let _wakes = self.lock().followed.get(channel).map(|topic| topic.feeds.send(|| update.clone()));
    }

    /// The newest event of a topic that this node knows; the default for none.
    pub(super) fn known(&self, channel: &str) -> Place {
        let map = self.lock();
        let unfollowed = || map.unfollowed.get(channel).copied();
        map.followed.get(channel).map(|topic| topic.newest).or_else(unfollowed).unwrap_or_default()
    }

    /// Records an event that was seen without its predecessor.
    pub(super) fn saw(&self, channel: &str, place: Place) {
        self.lock().note(channel, place);
    }

    /// Records an event; `previous` is the stamp of the server's newest event before it. Returns
    /// the newest event that this node knew, if the server lost that event.
    pub(super) fn heard(&self, channel: &str, place: Place, previous: u64) -> Option<Place> {
        let before = self.lock().note(channel, place);
        (before.number > 0 && previous < before.stamp && before.stamp < place.stamp).then_some(before)
    }

    /// Marks the newest known events for comparison. Called before a new connection is used: its
    /// server may have lost them, and newer events would hide that from a comparison of the newest
    /// one alone.
    pub(super) fn doubt(&self) {
        for topic in self.lock().followed.values_mut() {
            if topic.newest.number > 0 && topic.doubts.last() != Some(&topic.newest) {
                topic.doubts.truncate(DOUBTS - 1);
                topic.doubts.push(topic.newest);
            }
        }
    }

    /// The places of a topic that the server should know, the newest one last.
    pub(super) fn to_compare(&self, channel: &str) -> Vec<Place> {
        let map = self.lock();
        let Some(topic) = map.followed.get(channel) else { return Vec::new() };
        let newest = Some(topic.newest).filter(|newest| topic.doubts.last() != Some(newest));
        topic.doubts.iter().copied().chain(newest).collect()
    }

    /// Records that the server knows these places, or that their loss is marked.
    pub(super) fn compared(&self, channel: &str, places: &[Place]) {
        if let Some(topic) = self.lock().followed.get_mut(channel) {
            topic.doubts.retain(|doubt| !places.contains(doubt));
        }
    }
}

impl Map {
    /// Records an event; returns the newest one before it.
    fn note(&mut self, channel: &str, place: Place) -> Place {
        if let Some(topic) = self.followed.get_mut(channel) {
            let before = topic.newest;
            topic.newest = before.max(place);
            return before;
        }
        let before = self.unfollowed.get(channel).copied().unwrap_or_default();
        self.note_unfollowed(channel, before.max(place));
        before
    }

    fn note_unfollowed(&mut self, channel: &str, place: Place) {
        if place.number == 0 {
            return;
        }
        if let Some(newest) = self.unfollowed.get_mut(channel) {
            *newest = place;
            return;
        }
        if self.unfollowed.len() >= UNFOLLOWED {
            self.unfollowed.clear();
        }
        self.unfollowed.insert(channel.to_owned(), place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics() -> (Topics, Arc<Names>, u64) {
        let (topics, names) = (Topics::default(), Arc::new(Names::new("", "t")));
        let number = topics.add(&names, Feed::new(|_| {}));
        (topics, names, number)
    }

    #[test]
    fn a_loss_is_noticed_if_the_previous_event_is_older_than_the_newest_known_one() {
        let (topics, names, _) = topics();
        let heard =
            |stamp, number, previous| topics.heard(&names.channel, Place::new(stamp, number), previous);
        assert_eq!(heard(10, 1, 0), None, "the first");
        assert_eq!(heard(20, 2, 10), None, "the next");
        assert_eq!(heard(15, 2, 10), None, "late");
        assert_eq!(heard(40, 4, 30), None, "one in between is on another connection");
        assert_eq!(heard(50, 3, 20), Some(Place::new(40, 4)));
        assert_eq!(heard(60, 4, 50), None, "reported once");
    }

    #[test]
    fn places_from_before_a_connection_are_compared_despite_newer_messages() {
        let (topics, names, _) = topics();
        let [old, new] = [Place::new(10, 5), Place::new(20, 4)];
        topics.heard(&names.channel, old, 0);
        topics.doubt();
        topics.doubt();
        assert_eq!(topics.heard(&names.channel, new, 15), None, "nothing is known of the one before");
        assert_eq!(topics.to_compare(&names.channel), [old, new]);
        topics.compared(&names.channel, &[old, new]);
        assert_eq!(topics.to_compare(&names.channel), [new]);
    }

    #[test]
    fn the_newest_event_of_topics_without_followers_is_remembered() {
        let (topics, names, number) = topics();
        topics.saw(&names.channel, Place::new(10, 5));
        assert!(topics.remove(&names.channel, number));
        assert_eq!(topics.known(&names.channel), Place::new(10, 5));
        assert_eq!(topics.heard(&names.channel, Place::new(20, 3), 7), Some(Place::new(10, 5)));
        topics.add(&names, Feed::new(|_| {}));
        assert_eq!(topics.known(&names.channel), Place::new(20, 3));
        for number in 0..=UNFOLLOWED {
            topics.saw(&number.to_string(), Place::new(1, 1));
        }
        assert_eq!(topics.known("0"), Place::default(), "bounded");
    }
}
