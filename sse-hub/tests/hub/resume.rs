//! Every published event is received, or told as a gap of the right size, whatever frame the
//! connection breaks after: all short histories of a small hub.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::combinators::UnsyncBoxBody;
use sse_hub::{LastEventId, Log, SeveralTopics};
use tokio::time::timeout;

use super::remote::Remote;
use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Publishes an event to the topic.
    Publish(usize),
    /// Publishes two events together.
    Two(usize),
    /// The client reads a frame, if there is one.
    Read,
    /// The client reads a frame, and the connection breaks after its first event.
    Cut,
    /// The connection breaks.
    Break,
}

/// A hub under test, and how its clients begin.
#[derive(Clone, Copy, Debug)]
struct Setting {
    topics: usize,
    /// Whether one body follows the topics, with a token as ID.
    several: bool,
    /// How many events of a topic are kept in memory, and in all.
    kept: [usize; 2],
    /// How many events a topic has before the client comes.
    before: usize,
    earliest: bool,
    on_lag: OnLag,
    /// Whether the publisher gives the events IDs, so that the hub cannot count missing events.
    own_ids: bool,
}

/// A hub with a client. Events are numbered in each topic; `next` is the number of the next event
/// that the client has to get.
struct World {
    setting: Setting,
    topics: Vec<Topic>,
    published: Vec<usize>,
    next: Vec<usize>,
    body: UnsyncBoxBody<Bytes, Infallible>,
    parser: Parser,
}

impl World {
    async fn new(setting: Setting) -> Self {
        let limits = setting.kept.map(|events| HistoryLimits::new().with_events(events));
        let config = HubConfig::default()
            .with_history(limits[0])
            .with_on_lag(setting.on_lag)
            .with_keep_alive(Duration::MAX);
        let hub = match setting.kept[0] == setting.kept[1] {
            true => Hub::new(config),
            false => Hub::with_log(config, Remote::with(limits[1]) as Arc<dyn Log>),
        };
        let topics: Vec<_> = (0..setting.topics).map(|n| hub.topic(&n.to_string()).unwrap()).collect();
        let mut world = Self {
            setting,
            published: vec![0; topics.len()],
            next: vec![0; topics.len()],
            topics,
            body: UnsyncBoxBody::default(),
            parser: Parser::new(),
        };
        for topic in 0..setting.topics {
            for _ in 0..setting.before {
                world.publish(topic, 1).await;
            }
        }
        world.connect().await;
        world
    }

    async fn publish(&mut self, topic: usize, count: usize) {
        let first = self.published[topic] + 1;
        self.published[topic] += count;
        let texts: Vec<_> =
            (first..).take(count).map(|n| (format!("{topic} {n}"), format!("own {topic} {n}"))).collect();
        let events: Vec<_> = texts
            .iter()
            .map(|(data, id)| match self.setting.own_ids {
                true => EventBuilder::new().data(data).id(id).unwrap(),
                false => EventBuilder::new().data(data),
            })
            .collect();
        match self.setting.kept[1] >= count {
            true => drop(self.topics[topic].publish_all(&events).await.unwrap()),
            false => {
                for event in events {
                    self.topics[topic].publish(event).await.unwrap();
                }
            }
        }
    }

    /// The number of the oldest event that is kept.
    fn oldest(&self, topic: usize) -> usize {
        self.published[topic].saturating_sub(self.setting.kept[1]) + 1
    }

    async fn connect(&mut self) {
        let id = Some(self.parser.last_event_id()).filter(|id| !id.is_empty()).map(str::to_owned);
        if id.is_none() {
            // The client has no place yet, so it begins again.
            self.next = (0..self.topics.len())
                .map(|topic| match self.setting.earliest {
                    true => self.oldest(topic),
                    false => self.published[topic] + 1,
                })
                .collect();
        }
        self.parser = Parser::with_last_event_id(id.clone().unwrap_or_default());
        let after = LastEventId(id.or_else(|| self.setting.earliest.then(|| "earliest".to_owned())));
        self.body = match self.setting.several {
            true => {
                let several = SeveralTopics::subscribe(&self.topics, &after).await.unwrap();
                UnsyncBoxBody::new(several.label_types())
            }
            false => UnsyncBoxBody::new(self.topics[0].subscribe(&after).await.unwrap()),
        };
    }

    /// Reads a frame, or its first event; false if there is none.
    async fn read(&mut self, whole: bool) -> bool {
        let bytes = match timeout(secs(1), self.body.frame()).await {
            Err(_) => return false,
            Ok(None) => {
                // Disconnected: the client comes back.
                self.connect().await;
                return true;
            }
            Ok(Some(frame)) => frame.unwrap().into_data().unwrap(),
        };
        assert!(!bytes.is_empty(), "an empty frame");
        let end = bytes.windows(2).position(|two| two == b"\n\n").map_or(bytes.len(), |at| at + 2);
        for message in messages(&mut self.parser, if whole { &bytes } else { &bytes[..end] }) {
            self.receive(&message);
        }
        let id = self.parser.last_event_id();
        for topic in 0..if id.is_empty() { 0 } else { self.topics.len() } {
            assert_eq!(self.number(topic, id) + 1, self.next[topic], "the place of topic {topic}: {id}");
        }
        true
    }

    /// The number of the event with this ID, or of the place; all IDs end with it.
    fn number(&self, topic: usize, id: &str) -> usize {
        let pair = match self.setting.several {
            true => id.split('&').find_map(|pair| pair.strip_prefix(&format!("{topic}="))),
            false => Some(id),
        };
        let number = pair.expect("each topic has a place").rsplit(['-', ' ', '+']).next();
        number.unwrap().parse().unwrap()
    }

    fn receive(&mut self, message: &Message) {
        if let Some(topic) = message.event().strip_suffix(GAP_EVENT) {
            let topic = topic.strip_suffix(':').map_or(0, |topic| topic.parse().unwrap());
            let missed = message.data().strip_prefix(r#"{"missed":"#).unwrap().strip_suffix('}').unwrap();
            let next = match missed.parse::<usize>() {
                Ok(missed) => {
                    assert!(missed > 0, "a gap without missing events: {message:?}");
                    self.next[topic] + missed
                }
                // The event with the client's ID is gone, so its number is unknown.
                Err(_) if self.setting.own_ids && missed == "null" => self.number(topic, message.id()) + 1,
                Err(_) => panic!("a gap of an unknown size: {message:?}"),
            };
            assert!(self.next[topic] <= next, "a gap over events that the client has: {message:?}");
            assert!(next <= self.oldest(topic), "a gap over events that are kept: {message:?}");
            self.next[topic] = next;
            return;
        }
        let (topic, number) = message.data().split_once(' ').unwrap();
        let topic: usize = topic.parse().unwrap();
        assert_eq!(number.parse(), Ok(self.next[topic]), "lost, or received twice: {message:?}");
        self.next[topic] += 1;
    }

    async fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match *step {
                Step::Publish(topic) => self.publish(topic, 1).await,
                Step::Two(topic) => self.publish(topic, 2).await,
                Step::Read => drop(self.read(true).await),
                Step::Cut => {
                    self.read(false).await;
                    self.connect().await;
                }
                Step::Break => self.connect().await,
            }
        }
        while self.read(true).await {}
        let next: Vec<_> = self.published.iter().map(|published| published + 1).collect();
        assert_eq!(self.next, next, "events are missing without a gap");
    }
}

/// Runs all histories of `length` steps.
async fn run_all(setting: Setting, steps: &[Step], length: u32) {
    for history in 0..steps.len().pow(length) {
        let history: Vec<_> =
            (0..length).map(|at| steps[history / steps.len().pow(at) % steps.len()]).collect();
        let mut world = World::new(setting).await;
        let failed = std::panic::AssertUnwindSafe(world.run(&history));
        let outcome = futures_util::FutureExt::catch_unwind(failed).await;
        assert!(outcome.is_ok(), "{setting:?}, {history:?}");
    }
}

/// Every combination of a beginning, a handling of slow subscribers, and IDs.
fn settings(topics: usize, several: bool, kept: [usize; 2]) -> impl Iterator<Item = Setting> {
    (0..16).map(move |bits| Setting {
        topics,
        several,
        kept,
        before: if bits & 1 == 0 { 0 } else { kept[1] },
        earliest: bits & 2 == 0,
        on_lag: if bits & 4 == 0 { OnLag::SendGap } else { OnLag::Disconnect },
        own_ids: bits & 8 == 0,
    })
}

const ONE: [Step; 5] = [Step::Publish(0), Step::Two(0), Step::Read, Step::Cut, Step::Break];

#[tokio::test(start_paused = true)]
async fn one_topic_in_memory_loses_no_event_silently() {
    for setting in settings(1, false, [1, 1]).chain(settings(1, false, [2, 2])) {
        run_all(setting, &ONE, 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_topic_in_a_log_that_keeps_more_loses_no_event_silently() {
    for setting in settings(1, false, [1, 3]) {
        run_all(setting, &ONE, 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn several_topics_lose_no_event_silently() {
    let steps = [Step::Publish(0), Step::Publish(1), Step::Read, Step::Cut, Step::Break];
    for setting in settings(2, true, [1, 1]) {
        run_all(setting, &steps, 4).await;
    }
    for setting in settings(2, true, [1, 3]) {
        run_all(setting, &steps, 3).await;
    }
}
