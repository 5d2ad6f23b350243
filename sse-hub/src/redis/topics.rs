//! Topics that hubs of this node follow, and the newest known event of each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::known::{Claims, Known};
use super::names::Names;
use crate::Place;
use crate::log::{Feed, Feeds, Update};

/// The number of seconds in which every topic is compared once.
pub(super) const COMPARE_EVERY: u64 = 30;

/// For how many topics that are only published to the newest event is remembered at least, to
/// detect that the server lost it.
const UNFOLLOWED: usize = 16_384;

/// The topics of a node, by channel.
#[derive(Debug, Default)]
pub(super) struct Topics(Mutex<Map>);

#[derive(Debug, Default)]
struct Map {
    followed: HashMap<String, Topic>,
    /// Known places of topics that are only published to: the latest such topics, and the topics
    /// before them.
    unfollowed: [HashMap<String, Known>; 2],
    count: u64,
    /// The number of connections so far.
    connection: u64,
}

#[derive(Debug)]
struct Topic {
    names: Arc<Names>,
    feeds: Feeds,
    /// The second, within the comparison interval, at which the topic is compared.
    phase: u64,
    known: Known,
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    /// Adds a feed; returns its number, for [`remove`](Self::remove).
    pub(super) fn add(&self, names: &Arc<Names>, feed: Feed) -> u64 {
        let map = &mut *self.lock();
        map.count += 1;
        let known = map.take_unfollowed(&names.channel);
        let new = || Topic {
            names: Arc::clone(names),
            feeds: Feeds::default(),
            phase: map.count % COMPARE_EVERY,
            known,
        };
        map.followed.entry(names.channel.clone()).or_insert_with(new).feeds.add(feed)
    }

    /// Removes a feed; returns whether it was the last one of its topic.
    pub(super) fn remove(&self, channel: &str, number: u64) -> bool {
        let mut lock = self.lock();
        let map = &mut *lock;
        let Some(topic) = map.followed.get_mut(channel) else { return false };
        let feed = topic.feeds.remove(number);
        let last = topic.feeds.is_empty();
        if last && let Some(mut topic) = map.followed.remove(channel) {
            topic.known.connection = None;
            map.keep_unfollowed(channel, topic.known);
        }
        drop(lock);
        // A feed owns things that may call the log.
        drop(feed);
        last
    }

    pub(super) fn is_followed(&self, channel: &str) -> bool {
        self.lock().followed.contains_key(channel)
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

    /// The places of a topic that the server should know, the oldest first.
    pub(super) fn known(&self, channel: &str) -> Vec<Place> {
        let mut map = self.lock();
        map.known(channel).map(|known| known.places()).unwrap_or_default()
    }

    /// The same places as an argument of the scripts ([`Known::claims`]). The places of a topic
    /// that is only published to are in doubt on each new connection, until an event is published.
    pub(super) fn claims(&self, channel: &str, all_in_doubt: bool) -> Claims {
        let map = &mut *self.lock();
        let connection = map.connection;
        if let Some(topic) = map.followed.get(channel) {
            return topic.known.claims(all_in_doubt, connection);
        }
        let known = map
            .known(channel)
            .map(|known| known.claims(all_in_doubt || known.connection != Some(connection), connection));
        known.unwrap_or(Claims { connection, ..Claims::default() })
    }

    /// Records an event that was seen without its predecessor.
    pub(super) fn record(&self, channel: &str, place: Place) {
        self.lock().update(channel, |known| known.advance(place));
    }

    /// Records the events of a received message, and sends `update` to the feeds of the topic;
    /// `previous` is the stamp of the event that was the server's newest before the events of the
    /// message. If the server had lost an event that this node knew, sends nothing, and returns the
    /// topic.
    pub(super) fn received(
        &self,
        channel: &str,
        last: Place,
        previous: u64,
        update: &Update,
    ) -> Option<Arc<Names>> {
        let mut map = self.lock();
        let Some(topic) = map.followed.get_mut(channel) else {
            // The topic was just left.
            map.update(channel, |known| known.hear(last, previous));
            return None;
        };
        if topic.known.hear(last, previous) {
            return Some(Arc::clone(&topic.names));
        }
        let wakes = topic.feeds.send(|| update.clone());
        drop(map);
        // Without the lock.
        drop(wakes);
        None
    }

    /// Records an event that this node published; `claims` are those of its script. If the topic is
    /// followed, only the place of the event is recorded, and the result is false: the messages of
    /// earlier events may still be on their way. Each message carries the stamp of the event before
    /// its own, so [`received`](Self::received) finds losses when the messages arrive. If the topic
    /// is not followed, no message arrives, and this does the same as `received`.
    pub(super) fn published(&self, channel: &str, place: Place, previous: u64, claims: &Claims) -> bool {
        let mut map = self.lock();
        let Some(topic) = map.followed.get_mut(channel) else {
            return map.update_on(claims.connection, channel, |known| {
                // The script found these, or marked their loss, and the server had the place before
                // the event when it appended the event. Answers do not come in order.
                known.doubts.retain(|doubt| doubt.stamp != previous && !claims.doubts.contains(doubt));
                known.hear(place, previous)
            });
        };
        if place > topic.known.newest {
            topic.known.published = topic.known.published.max(place);
        }
        false
    }

    /// Puts the newest places of all topics in doubt. To be called before a new connection is used:
    /// its server may have lost what this node knows, and events that it has since then would hide
    /// that. Also if a server becomes a replica or ceases to be one.
    pub(super) fn doubt_all(&self) {
        let mut map = self.lock();
        map.connection += 1;
        map.followed.values_mut().for_each(|topic| topic.known.doubt_newest());
    }

    /// Puts the newest places of one topic in doubt.
    pub(super) fn doubt(&self, channel: &str) {
        if let Some(topic) = self.lock().followed.get_mut(channel) {
            topic.known.doubt_newest();
        }
    }

    /// The server has these places, or it is marked that it has not; its newest event is at
    /// `newest`.
    pub(super) fn compared(&self, channel: &str, places: &[Place], newest: Place) {
        self.lock().update(channel, |known| {
            known.doubts.retain(|doubt| !places.contains(doubt));
            // Received since the request was sent.
            for place in [known.newest, known.published] {
                if place < newest && !places.contains(&place) {
                    known.doubt(place);
                }
            }
            known.advance(newest);
        });
    }
}

impl Map {
    fn known(&mut self, channel: &str) -> Option<&mut Known> {
        if let Some(topic) = self.followed.get_mut(channel) {
            return Some(&mut topic.known);
        }
        let [latest, before] = &mut self.unfollowed;
        latest.get_mut(channel).or_else(|| before.get_mut(channel))
    }

    /// Updates the known places of a topic, followed or not.
    fn update<T>(&mut self, channel: &str, update: impl FnOnce(&mut Known) -> T) -> T {
        if let Some(topic) = self.followed.get_mut(channel) {
            return update(&mut topic.known);
        }
        self.update_on(self.connection, channel, update)
    }

    /// Updates the known places of a topic that is not followed, by an answer on a connection.
    fn update_on<T>(&mut self, connection: u64, channel: &str, update: impl FnOnce(&mut Known) -> T) -> T {
        let update = |known: &mut Known| {
            let newest = known.newest;
            let result = update(known);
            if known.newest != newest {
                known.connection = Some(connection);
            }
            result
        };
        if let Some(known) = self.unfollowed[0].get_mut(channel) {
            return update(known);
        }
        let mut known = self.take_unfollowed(channel);
        let result = update(&mut known);
        self.keep_unfollowed(channel, known);
        result
    }

    fn take_unfollowed(&mut self, channel: &str) -> Known {
        self.unfollowed.iter_mut().find_map(|map| map.remove(channel)).unwrap_or_default()
    }

    fn keep_unfollowed(&mut self, channel: &str, known: Known) {
        if known.places().is_empty() {
            return;
        }
        let [latest, before] = &mut self.unfollowed;
        if latest.len() >= UNFOLLOWED {
            *before = std::mem::take(latest);
        }
        latest.insert(channel.to_owned(), known);
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

    fn hear(topics: &Topics, names: &Names, place: Place, previous: u64) -> bool {
        topics.received(&names.channel, place, previous, &Update::Latest(place)).is_some()
    }

    fn publish(topics: &Topics, names: &Names, place: Place, previous: u64) -> bool {
        topics.published(&names.channel, place, previous, &topics.claims(&names.channel, false))
    }

    #[test]
    fn a_loss_is_noticed_if_the_previous_event_is_older_than_the_newest_known_one() {
        let (topics, names, _) = topics();
        let lost = |stamp, number, previous| hear(&topics, &names, Place::new(stamp, number), previous);
        assert!(!lost(10, 1, 0), "the first");
        assert!(!lost(20, 2, 10), "the next");
        assert!(!lost(15, 2, 10), "late");
        assert!(!lost(40, 4, 30), "one in between was on another connection");
        assert!(lost(50, 3, 20));
        let [skipped, lost_place, newest] = [Place::new(20, 2), Place::new(40, 4), Place::new(50, 3)];
        let places = [skipped, lost_place, newest];
        assert_eq!(topics.known(&names.channel), places, "looked for until it was compared");
        assert!(!lost(60, 4, 50), "reported once");
        topics.compared(&names.channel, &places, newest);
        assert_eq!(topics.known(&names.channel), [Place::new(60, 4)]);
    }

    #[test]
    fn a_place_is_in_doubt_unless_messages_continue_from_it_on_one_connection() {
        let (topics, names, number) = topics();
        let receive = |stamp, number, previous| hear(&topics, &names, Place::new(stamp, number), previous);
        let claims = || topics.claims(&names.channel, false).text;
        receive(10, 1, 0);
        receive(20, 2, 10);
        publish(&topics, &names, Place::new(30, 3), 20);
        assert_eq!(claims(), "20-2 30-3");
        assert_eq!(topics.claims(&names.channel, true).text, "20-2? 30-3?");
        receive(30, 3, 20);
        receive(50, 5, 40);
        assert_eq!(claims(), "30-3? 50-5", "the message of an event is missing");
        topics.compared(&names.channel, &[Place::new(30, 3)], Place::new(50, 5));
        assert_eq!(claims(), "50-5");
        topics.doubt_all();
        assert_eq!(claims(), "50-5?");
        receive(60, 6, 50);
        assert_eq!(claims(), "50-5? 60-6");
        topics.compared(&names.channel, &[Place::new(50, 5), Place::new(60, 6)], Place::new(60, 6));
        topics.remove(&names.channel, number);
        assert_eq!(claims(), "60-6?", "no message continues from it");
        publish(&topics, &names, Place::new(70, 7), 60);
        assert_eq!(claims(), "70-7", "published on this connection");
        topics.doubt_all();
        assert_eq!(claims(), "70-7?");
    }

    #[test]
    fn an_event_of_another_node_puts_the_one_before_in_doubt_until_the_next_publish() {
        let (topics, names, number) = topics();
        topics.remove(&names.channel, number);
        let claims = || topics.claims(&names.channel, false);
        publish(&topics, &names, Place::new(10, 1), 0);
        let first = claims();
        publish(&topics, &names, Place::new(40, 4), 30);
        assert_eq!(claims().text, "10-1? 40-4");
        publish(&topics, &names, Place::new(50, 5), 40);
        assert_eq!(claims().text, "50-5", "the script has looked for the doubts");
        // Answers to commands that were sent at once are recorded in any order.
        topics.published(&names.channel, Place::new(80, 8), 70, &first);
        assert_eq!(claims().text, "50-5? 80-8");
        topics.published(&names.channel, Place::new(60, 6), 50, &first);
        topics.published(&names.channel, Place::new(70, 7), 60, &first);
        assert_eq!(claims().text, "80-8");
        topics.doubt_all();
        topics.published(&names.channel, Place::new(90, 9), 80, &first);
        assert_eq!(claims().text, "90-9?", "an answer of the connection before");
    }

    #[test]
    fn a_place_received_during_a_comparison_is_compared_again() {
        let (topics, names, _) = topics();
        let [before, received, found] =
            [(10, 1), (20, 2), (30, 3)].map(|(stamp, number)| Place::new(stamp, number));
        hear(&topics, &names, before, 0);
        hear(&topics, &names, received, 10);
        topics.compared(&names.channel, &[before], found);
        assert_eq!(topics.known(&names.channel), [received, found]);
    }

    #[test]
    fn a_published_place_is_known_until_its_message_is_received() {
        let (topics, names, _) = topics();
        let [first, own, late] = [(10, 1), (30, 3), (20, 2)].map(|(stamp, number)| Place::new(stamp, number));
        hear(&topics, &names, first, 0);
        assert!(!publish(&topics, &names, own, 20));
        assert_eq!(topics.known(&names.channel), [first, own]);
        assert!(hear(&topics, &names, late, 5), "the answer did not hide what the message shows");
        hear(&topics, &names, own, 20);
        assert_eq!(topics.known(&names.channel), [first, own], "the first one is in doubt");
    }

    #[test]
    fn places_from_before_a_connection_are_compared_despite_newer_messages() {
        let (topics, names, _) = topics();
        let [old, new] = [Place::new(10, 5), Place::new(20, 4)];
        hear(&topics, &names, old, 0);
        topics.doubt_all();
        topics.doubt_all();
        assert!(!hear(&topics, &names, new, 15), "nothing is known of the one before");
        assert_eq!(topics.known(&names.channel), [old, new]);
        topics.compared(&names.channel, &[old, new], new);
        assert_eq!(topics.known(&names.channel), [new]);
    }

    #[test]
    fn the_newest_event_of_topics_without_followers_is_remembered() {
        let (topics, names, number) = topics();
        topics.record(&names.channel, Place::new(10, 5));
        assert!(topics.remove(&names.channel, number));
        assert_eq!(topics.known(&names.channel), [Place::new(10, 5)]);
        assert!(publish(&topics, &names, Place::new(20, 3), 7), "no other node receives it");
        topics.add(&names, Feed::new(|_| {}));
        assert_eq!(topics.known(&names.channel), [Place::new(10, 5), Place::new(20, 3)]);
        for number in 0..=2 * UNFOLLOWED {
            topics.record(&number.to_string(), Place::new(1, 1));
        }
        assert!(topics.known("0").is_empty(), "bounded");
        assert!(!topics.known(&UNFOLLOWED.to_string()).is_empty(), "at least this many are remembered");
    }
}
