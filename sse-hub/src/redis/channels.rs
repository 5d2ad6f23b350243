//! Connection that receives new events: one for all topics of a node.
//!
//! ```text
//!             ┌────────────┐ SUBSCRIBE all, then compare ┌───────────┐ messages, and every
//!  ──────────►│ Connecting │ ───────────────────────────►│ Listening │ topic compared every 30 s
//!             └────────────┘◄─────────────────────────── └───────────┘
//!                   connection lost, or no answer to PING
//! ```
//!
//! Redis does not report undelivered messages. So this node requests the newest place of every
//! followed topic after each connection, and then every 30 s, and passes it to the hub, which reads
//! missing events. Channels are subscribed first, so that no event is missed in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Msg, RedisResult, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::losses;
use super::message::{self, Message};
use super::names::Names;
use super::server::{CONNECT, Server};
use crate::backoff::Backoff;
use crate::log::{Feed, Following, Update};

/// Interval between checks of the connection.
const PING: Duration = Duration::from_secs(3);

/// How long the server may take to answer on the connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many topics are compared at a time.
const COMPARISONS: usize = 64;

/// How many channels one command may name.
const CHANNELS: usize = 512;

/// Handle of the connection that receives new events.
pub(super) struct Channels {
    server: Arc<Server>,
    orders: mpsc::UnboundedSender<Order>,
}

/// Command to the task that owns the connection.
enum Order {
    /// Subscribe to a channel, and report when that is done.
    Subscribe(Arc<Names>, oneshot::Sender<()>),
    /// Unsubscribe from a channel, unless it is followed again.
    Leave(Arc<Names>),
}

/// Guard that follows a topic until dropped.
struct Follow {
    feed: u64,
    names: Arc<Names>,
    server: Arc<Server>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Channels {
    /// Creates the handle, and the future that runs the connection until the handle is dropped.
    pub(super) fn new(server: Arc<Server>) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, orders) = mpsc::unbounded_channel();
        let connection =
            Connection { server: Arc::clone(&server), orders, comparisons: JoinSet::new(), second: 0 };
        (Self { server, orders: sender }, connection.run())
    }

    /// Follows a topic; completes once the server has confirmed. `None` if the server cannot be
    /// reached.
    pub(super) async fn follow(&self, names: Arc<Names>, feed: Feed) -> Option<Following> {
        let feed = self.server.topics.add(&names, feed);
        let (server, orders) = (Arc::clone(&self.server), self.orders.clone());
        let follow = Follow { feed, names: Arc::clone(&names), server, orders };
        let (done, confirmed) = oneshot::channel();
        self.orders.send(Order::Subscribe(names, done)).ok()?;
        timeout(PATIENCE, confirmed).await.ok()?.ok()?;
        Some(Following::new(follow))
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        if self.server.topics.remove(&self.names.channel, self.feed) {
            // Without the connection's task there is nothing to leave.
            let _ = self.orders.send(Order::Leave(Arc::clone(&self.names)));
        }
    }
}

struct Connection {
    server: Arc<Server>,
    orders: mpsc::UnboundedReceiver<Order>,
    comparisons: JoinSet<()>,
    second: u64,
}

/// Error: the log was closed.
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
                // The other connection is probably lost as well.
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

    /// Waits for `wait`, and meanwhile fails requests to follow a topic: an outage may be long, and
    /// the callers retry.
    async fn refuse_orders(&mut self, wait: Duration) -> Result<(), Closed> {
        let server = Arc::clone(&self.server);
        let over = async {
            tokio::select! {
                () = sleep(wait) => {}
                // The other connection reached the server again.
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

    /// Runs one connection until it no longer works.
    async fn session(&mut self, mut sink: PubSubSink, mut stream: PubSubStream) -> Result<(), Closed> {
        self.server.topics.doubt_all();
        let all = self.server.topics.all();
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
                    self.compare(self.server.topics.due(self.second));
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
        // Unsubscribes first, so that a topic that was left and is followed again ends up
        // subscribed.
        left.retain(|names| !self.server.topics.is_followed(&names.channel));
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
            // The caller may be gone.
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
        // A message that is not understood is ignored; the next comparison finds its events.
        let Some(message) = message::parse(message.get_payload_bytes()) else { return };
        let topics = &self.server.topics;
        let (events, previous, marked) = match message {
            Message::Appended { events, previous, lost } => (events, previous, lost),
            Message::Lost(border) => return topics.tell(channel, &Update::Lost(border)),
            Message::Ended => return topics.tell(channel, &Update::Ended),
        };
        let Some(last) = events.last().map(|event| event.place()) else { return };
        let update = if marked { Update::Latest(last) } else { Update::Appended(events) };
        if let Some(names) = topics.received(channel, last, previous, &update) {
            match marked {
                // The loss is already marked: the hubs have to compare.
                true => topics.tell(channel, &update),
                false => losses::report(&self.server, names),
            }
        }
    }

    /// Asks Redis in the background for the newest place (stamp and number) of some topics, and
    /// sends each to the channel that feeds the tail of its topic.
    fn compare(&mut self, names: Vec<Arc<Names>>) {
        while self.comparisons.try_join_next().is_some() {}
        // While commands get no answer, the pending comparisons stand for later ones.
        if names.is_empty() || self.comparisons.len() >= COMPARISONS {
            return;
        }
        let server = Arc::clone(&self.server);
        self.comparisons.spawn(async move {
            let compare = |names: Arc<Names>| losses::compare(&server, names, usize::MAX);
            stream::iter(names).for_each_concurrent(COMPARISONS, compare).await;
        });
    }
}
