//! The connection that hears of new events: one for all topics of a node.
//!
//! ```text
//!             ┌────────────┐ SUBSCRIBE all, then compare ┌───────────┐ messages, a comparison
//!  ──────────►│ Connecting │ ───────────────────────────►│ Listening │ of every topic in 30 s
//!             └────────────┘◄─────────────────────────── └───────────┘
//!                   connection lost, or no answer to PING
//! ```
//!
//! Redis does not say when a message was not delivered. So after each connection, and now and then, the newest place of every
//! topic is asked for and told to its hub, which reads what it does not have. Subscribing comes first, so that nothing falls
//! between the two.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Msg, RedisResult, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::message::{self, Message};
use super::names::Names;
use super::server::{CONNECT, Failure, Server};
use crate::backoff::Backoff;
use crate::log::{Amount, Feed, Following, Update};
use crate::{Gap, Place};

/// How often the connection is checked.
const PING: Duration = Duration::from_secs(3);

/// How long an answer of the connection may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// In so many seconds every topic is compared, some of them each second.
const COMPARE_EVERY: u64 = 30;

/// Topics that are compared at a time.
const COMPARISONS: usize = 64;

/// Channels in one command.
const CHANNELS: usize = 512;

/// Handle to the connection, and to the topics that it follows.
pub(super) struct Channels {
    topics: Arc<Topics>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What the connection is to do.
enum Order {
    /// Subscribe to a channel, and say when it is done.
    Subscribe(Arc<Names>, oneshot::Sender<()>),
    /// Leave a channel, unless it is followed again.
    Leave(Arc<Names>),
}

/// The topics that hubs of this node follow, by channel.
#[derive(Default)]
struct Topics(Mutex<Map>);

#[derive(Default)]
struct Map {
    by_channel: HashMap<String, Topic>,
    next_id: u64,
}

struct Topic {
    names: Arc<Names>,
    feeds: Vec<(u64, Feed)>,
    /// The second at which it is compared.
    phase: u64,
    /// The newest event that this node knows.
    newest: Place,
}

/// Follows a topic as long as it lives.
struct Follow {
    id: u64,
    names: Arc<Names>,
    topics: Arc<Topics>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Channels {
    /// The handle, and what runs the connection until the handle is dropped.
    pub(super) fn new(server: Arc<Server>) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, orders) = mpsc::unbounded_channel();
        let topics = Arc::<Topics>::default();
        let connection = Connection {
            server,
            orders,
            topics: Arc::clone(&topics),
            comparisons: JoinSet::new(),
            second: 0,
        };
        (Self { topics, orders: sender }, connection.run())
    }

    /// Follows a topic; completes once the server has confirmed. `None` if it cannot be reached.
    pub(super) async fn follow(&self, names: Arc<Names>, feed: Feed) -> Option<Following> {
        let id = self.topics.insert(&names, feed);
        let orders = self.orders.clone();
        let follow = Follow { id, names: Arc::clone(&names), topics: Arc::clone(&self.topics), orders };
        let (done, confirmed) = oneshot::channel();
        self.orders.send(Order::Subscribe(names, done)).ok()?;
        timeout(PATIENCE, confirmed).await.ok()?.ok()?;
        Some(Following::new(follow))
    }

    /// The newest event of a topic that this node knows; the default if it follows no such topic.
    pub(super) fn known(&self, channel: &str) -> Place {
        self.topics.known(channel)
    }

    pub(super) fn saw(&self, channel: &str, place: Place) {
        self.topics.saw(channel, place);
    }
}

impl Topics {
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().expect("nothing panics while it holds the lock")
    }

    fn insert(&self, names: &Arc<Names>, feed: Feed) -> u64 {
        let map = &mut *self.lock();
        map.next_id += 1;
        let (id, phase) = (map.next_id, map.next_id % COMPARE_EVERY);
        let new = || Topic { names: Arc::clone(names), feeds: Vec::new(), phase, newest: Place::default() };
        map.by_channel.entry(names.channel.clone()).or_insert_with(new).feeds.push((id, feed));
        id
    }

    fn known(&self, channel: &str) -> Place {
        self.lock().by_channel.get(channel).map_or(Place::default(), |topic| topic.newest)
    }

    fn select(&self, wanted: impl Fn(&Topic) -> bool) -> Vec<Arc<Names>> {
        let topics = self.lock();
        topics
            .by_channel
            .values()
            .filter(|topic| wanted(topic))
            .map(|topic| Arc::clone(&topic.names))
            .collect()
    }

    /// Tells the feeds of a topic. Not under the lock: what they wake may do anything.
    fn tell(&self, channel: &str, update: &Update) {
        let feeds: Vec<Feed> = {
            let topics = self.lock();
            let Some(topic) = topics.by_channel.get(channel) else { return };
            topic.feeds.iter().map(|(_, feed)| feed.clone()).collect()
        };
        for feed in feeds {
            drop(feed.send(update.clone()));
        }
    }

    /// Notes an event; returns the newest one before.
    fn saw(&self, channel: &str, place: Place) -> Place {
        let mut topics = self.lock();
        let Some(topic) = topics.by_channel.get_mut(channel) else { return Place::default() };
        let before = topic.newest;
        topic.newest = before.max(place);
        before
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        let mut topics = self.topics.lock();
        let Some(topic) = topics.by_channel.get_mut(&self.names.channel) else { return };
        let at = topic.feeds.iter().position(|(id, _)| *id == self.id);
        let feed = at.map(|at| topic.feeds.swap_remove(at));
        if topic.feeds.is_empty() {
            topics.by_channel.remove(&self.names.channel);
            // Without the connection's task there is nothing to leave.
            let _ = self.orders.send(Order::Leave(Arc::clone(&self.names)));
        }
        drop(topics);
        drop(feed);
    }
}

struct Connection {
    server: Arc<Server>,
    orders: mpsc::UnboundedReceiver<Order>,
    topics: Arc<Topics>,
    comparisons: JoinSet<()>,
    second: u64,
}

/// The log was closed.
struct Closed;

impl Connection {
    async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let connected = timeout(CONNECT, self.server.client.get_async_pubsub()).await;
            if let Ok(Ok(connection)) = connected {
                self.server.is_back();
                let began = Instant::now();
                let (sink, stream) = connection.split();
                let ended = self.session(sink, stream).await;
                self.server.listening.store(false, Ordering::Relaxed);
                self.comparisons.abort_all();
                if let Err(Closed) = ended {
                    return;
                }
                // The other connection is likely to be lost, too.
                self.server.check();
                if began.elapsed() > PING {
                    backoff = Backoff::default();
                }
            }
            if let Err(Closed) = self.refuse_orders(backoff.next()).await {
                return;
            }
        }
    }

    /// Waits, and has nobody wait who wants to follow a topic: an outage may be long, and they try again.
    async fn refuse_orders(&mut self, wait: Duration) -> Result<(), Closed> {
        let server = Arc::clone(&self.server);
        let over = async {
            tokio::select! {
                () = sleep(wait) => {}
                // The other connection found the server back.
                () = server.made_again() => {}
            }
        };
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                order = self.orders.recv() => drop(order.ok_or(Closed)?),
            }
        }
    }

    /// One connection, until it no longer works.
    async fn session(&mut self, mut sink: PubSubSink, mut stream: PubSubStream) -> Result<(), Closed> {
        let all = self.topics.select(|_| true);
        if !self.subscribe(&mut sink, &mut stream, &all).await {
            return Ok(());
        }
        self.server.listening.store(true, Ordering::Relaxed);
        self.compare(all);
        let (mut ping, mut second) = (interval(PING), interval(Duration::from_secs(1)));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.deliver(&message),
                    None => return Ok(()),
                },
                order = self.orders.recv() => {
                    let mut orders = vec![order.ok_or(Closed)?];
                    while orders.len() < CHANNELS && let Ok(order) = self.orders.try_recv() {
                        orders.push(order);
                    }
                    if !self.carry_out(&mut sink, &mut stream, orders).await {
                        return Ok(());
                    }
                }
                _ = second.tick() => {
                    self.second += 1;
                    let phase = self.second % COMPARE_EVERY;
                    self.compare(self.topics.select(|topic| topic.phase == phase));
                }
                _ = ping.tick() => {
                    let mut sink = sink.clone();
                    if !self.answers(&mut stream, sink.ping::<Value>()).await {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn carry_out(&self, sink: &mut PubSubSink, stream: &mut PubSubStream, orders: Vec<Order>) -> bool {
        let (mut joined, mut left, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for order in orders {
            match order {
                Order::Subscribe(names, done) => {
                    joined.push(names);
                    waiting.push(done);
                }
                Order::Leave(names) => left.push(names),
            }
        }
        // Leaving first: a topic that was left and is followed again is subscribed to in the end.
        left.retain(|names| !self.topics.lock().by_channel.contains_key(&names.channel));
        if !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|names| names.channel.as_str()).collect();
            if !self.answers(stream, sink.unsubscribe(&names)).await {
                return false;
            }
        }
        if !self.subscribe(sink, stream, &joined).await {
            return false;
        }
        for done in waiting {
            // Who does not wait any more has left, too.
            let _ = done.send(());
        }
        true
    }

    async fn subscribe(
        &self,
        sink: &mut PubSubSink,
        stream: &mut PubSubStream,
        topics: &[Arc<Names>],
    ) -> bool {
        for topics in topics.chunks(CHANNELS) {
            let names: Vec<&str> = topics.iter().map(|names| names.channel.as_str()).collect();
            if !self.answers(stream, sink.subscribe(&names)).await {
                return false;
            }
        }
        true
    }

    /// Whether the server answers in time. Messages are delivered meanwhile.
    async fn answers<T>(
        &self,
        stream: &mut PubSubStream,
        request: impl Future<Output = RedisResult<T>>,
    ) -> bool {
        let request = timeout(PATIENCE, request);
        tokio::pin!(request);
        loop {
            tokio::select! {
                answer = &mut request => return matches!(answer, Ok(Ok(_))),
                message = stream.next() => match message {
                    Some(message) => self.deliver(&message),
                    None => return false,
                },
            }
        }
    }

    fn deliver(&self, message: &Msg) {
        let channel = message.get_channel_name();
        // One that is not understood is left to the next comparison.
        let Some(message) = message::parse(&Bytes::copy_from_slice(message.get_payload_bytes())) else {
            return;
        };
        let Message::Appended { events, previous, lost } = message else {
            return self.topics.tell(channel, &Update::Ended);
        };
        let Some(last) = events.last().map(|event| event.place()) else { return };
        let known = self.topics.saw(channel, last).stamp;
        // Something newer was there before, and is not any more. Numbers are given again then: the hub has to look, and a mark
        // has to be there for it to find.
        if previous < known && known < last.stamp && !lost {
            self.report_loss(channel, known, last);
        } else if lost {
            self.topics.tell(channel, &Update::Latest(last));
        } else {
            self.topics.tell(channel, &Update::Appended(events));
        }
    }

    /// Marks a loss before the event at `last`, and has the hubs look.
    fn report_loss(&self, channel: &str, known: u64, last: Place) {
        let Some(names) = self.topics.select(|topic| topic.names.channel == channel).pop() else { return };
        let (server, topics) = (Arc::clone(&self.server), Arc::clone(&self.topics));
        tokio::spawn(async move {
            let mut backoff = Backoff::default();
            for _ in 0..20 {
                if !matches!(
                    server.lose(&names, known + 1).await,
                    Err(Failure::Unavailable(_) | Failure::Unknown(_))
                ) {
                    break;
                }
                backoff.wait().await;
            }
            topics.tell(&names.channel, &Update::Latest(last));
        });
    }

    /// Tells the feeds of some topics where these end, without waiting for it.
    fn compare(&mut self, names: Vec<Arc<Names>>) {
        while self.comparisons.try_join_next().is_some() {}
        // While commands have no answer, those that are due stand for those to come.
        if names.is_empty() || self.comparisons.len() >= COMPARISONS {
            return;
        }
        let (server, topics) = (Arc::clone(&self.server), Arc::clone(&self.topics));
        self.comparisons.spawn(async move {
            let compare = |names: Arc<Names>| compare(&server, &topics, names);
            stream::iter(names).for_each_concurrent(COMPARISONS, compare).await;
        });
    }
}

/// Tells the feeds of a topic where it ends.
async fn compare(server: &Server, topics: &Topics, names: Arc<Names>) {
    let mut backoff = Backoff::default();
    loop {
        let known = topics.known(&names.channel);
        let id = (known.number > 0).then(|| known.to_string());
        match server.look(&names, id.as_deref(), Amount::NONE).await {
            Ok(found) if found.ended.is_some() => return topics.tell(&names.channel, &Update::Ended),
            // Still without events, as far as this node knows: there is nothing to compare.
            Ok(found) if found.newest.number == 0 && known.number == 0 => return,
            Ok(found) => {
                let lost = known.number > 0 && found.resume(known).gap == Some(Gap::UNKNOWN);
                let mark = found.newest.stamp.min(known.stamp) + 1;
                if lost && server.lose(&names, mark).await.is_err() {
                    backoff.wait().await;
                    continue;
                }
                topics.saw(&names.channel, found.newest);
                return topics.tell(&names.channel, &Update::Latest(found.last()));
            }
            Err(Failure::Unavailable(_) | Failure::Unknown(_)) => backoff.wait().await,
            // Said where the topic is opened or published to.
            Err(Failure::Broken(_) | Failure::Foreign(_)) => return,
        }
    }
}
