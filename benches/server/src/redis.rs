//! Benchmark of the hub over Redis, compared with Redis alone: the cost of a publish, the time to
//! another node, and the effect of many topics. Starts its own Redis server; contenders alternate,
//! and medians count.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::Body as _;
use redis::Client;
use sse_hub::redis::{RedisConfig, RedisLog};
use sse_hub::{EventBuilder, From, Health, HistoryLimits, Hub, HubConfig, Subscription, Topic};
use tokio::task::JoinSet;

use crate::contenders::Contender;
use crate::load::Process;

#[path = "../../../tests/redis.rs"]
mod server;

mod bare;

use bare::{Bare, Call};
use server::RedisServer;

/// The URL of the Redis server for [`Contender::RedisHub`].
pub static URL: OnceLock<String> = OnceLock::new();

/// Number of turns of each contender; the median counts.
const TURNS: usize = 5;
const PUBLISHERS: usize = 64;
const TOPICS: usize = 5_000;
/// Number of events that each of many topics keeps.
const KEPT: usize = 100;
/// Number of publishes in a turn whose latency is measured, one after the other.
const ONE_BY_ONE: usize = 2_000;

pub fn run(seconds: u64, size: usize, subscribers: usize) {
    let Some(redis) = RedisServer::with_options(&["--appendonly", "no"]) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let data: Arc<str> = "x".repeat(size).into();
    runtime.block_on(async {
        let turn = Duration::from_secs(seconds);
        println!("{size} bytes of data an event, medians of {TURNS} turns\n\n| | this | that | ratio |\n|---|---|---|---|");
        publish(&redis, turn, &data).await;
        topics(&redis, turn, &data).await;
        latency(&redis, &data).await;
    });
    fan_out(&redis, Duration::from_secs(seconds), size, subscribers);
}

/// Measures deliveries per second over sockets; publisher and subscribers are separate processes.
fn fan_out(redis: &RedisServer, turn: Duration, size: usize, subscribers: usize) {
    URL.get_or_init(|| redis.url());
    let mut ones = [Contender::RedisHub, Contender::Hub].map(|hub| Process::start(hub, 1, size));
    let mut costs = [vec![], vec![]];
    for _ in 0..TURNS {
        for (hub, costs) in ones.iter_mut().zip(&mut costs) {
            costs.push(hub.turn(1, turn).cpu);
        }
    }
    row("CPU µs of a node to publish, hear and deliver to one subscriber: Redis, memory", costs.map(median));
    let mut hubs = [Contender::RedisHub, Contender::Hub].map(|hub| Process::start(hub, subscribers, size));
    for burst in [1, 8, 64] {
        let mut rates = [vec![], vec![]];
        for _ in 0..TURNS {
            for (hub, rates) in hubs.iter_mut().zip(&mut rates) {
                rates.push(hub.turn(burst, turn).rate);
            }
        }
        row(
            &format!("deliveries/s, {subscribers} subscribers, bursts of {burst}: Redis, memory"),
            rates.map(median),
        );
    }
}

fn row(what: &str, [this, that]: [f64; 2]) {
    println!("| {what} | {this:.0} | {that:.0} | {:.2} |", this / that);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Events per second of publishers that each wait for their own event.
async fn rate<F: Future<Output = ()> + Send + 'static>(
    turn: Duration,
    publish: impl Fn(usize) -> F + Clone + Send + 'static,
) -> f64 {
    let count = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let (publish, count) = (publish.clone(), Arc::clone(&count));
        publishers.spawn(async move {
            let mut at = publisher;
            while start.elapsed() < turn {
                publish(at).await;
                count.fetch_add(1, Ordering::Relaxed);
                at += PUBLISHERS;
            }
        });
    }
    publishers.join_all().await;
    count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// A hub that keeps this much of each topic, in memory and in Redis.
async fn hub(redis: &RedisServer, keep: HistoryLimits) -> Hub {
    let log = RedisConfig::new(&redis.url()).expect("a URL").keep(keep);
    let config = HubConfig::default().with_max_topics(2 * TOPICS).with_history(keep);
    let hub = Hub::with_log(config, Arc::new(RedisLog::new(log).expect("usable")));
    while hub.health() != Health::Ready {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    hub
}

async fn publish_one(topic: &Topic, data: &str) {
    topic.publish(EventBuilder::new().data(data)).await.expect("the server is there");
}

async fn publish(redis: &RedisServer, turn: Duration, data: &Arc<str>) {
    let client = Client::open(redis.url()).expect("a URL");
    let hub = hub(redis, HistoryLimits::default()).await;
    let topic = hub.topic("hub").expect("the first");
    let call = Call::capture(&hub, &client, &[EventBuilder::new().data(data)]).await;
    let bare = Bare::new(&client, &call, &["bare".to_owned()]).await;
    let (mut this, mut that) = (vec![], vec![]);
    for _ in 0..TURNS {
        let (topic, data) = (topic.clone(), Arc::clone(data));
        this.push(
            rate(turn, move |_| {
                let (topic, data) = (topic.clone(), Arc::clone(&data));
                async move { publish_one(&topic, &data).await }
            })
            .await,
        );
        let bare = bare.clone();
        that.push(rate(turn, move |at| bare.clone().publish(at, 1)).await);
    }
    row("publishes a second, 64 publishers: hub, bare EVALSHA", [median(this), median(that)]);
}

/// Many topics that are full, so that they grow no more, and one of them: through a hub that
/// follows them, and by bare calls.
async fn topics(redis: &RedisServer, turn: Duration, data: &Arc<str>) {
    let client = Client::open(redis.url()).expect("a URL");
    let hub = hub(redis, HistoryLimits::new().with_events(KEPT)).await;
    let event = EventBuilder::new().data(data);
    let many = vec![event.clone(); KEPT];
    let call = Call::capture(&hub, &client, &[event]).await;
    let fill = Call::capture(&hub, &client, &many).await;
    let names: Vec<String> = (0..TOPICS).map(|number| format!("bare{number}")).collect();
    let bare = Bare::new(&client, &call, &names).await;
    let mut connection = client.get_multiplexed_async_connection().await.expect("the server is there");
    let (mut topics, mut subscriptions) = (Vec::new(), Vec::new());
    for (number, name) in names.iter().enumerate() {
        let topic = hub.topic(&format!("hub{number}")).expect("below the limit");
        // Followed, as topics with a publisher usually are.
        subscriptions.push(topic.subscribe(From::Now).await.expect("below the limit"));
        let bare = fill.to(name);
        // Twice, because Redis trims in steps.
        for _ in 0..2 {
            topic.publish_all(&many).await.expect("the server is there");
            bare.query_async::<redis::Value>(&mut connection).await.expect("the server is there");
        }
        topics.push(topic);
    }
    let topics: Arc<[Topic]> = topics.into();
    let mut rates = [const { vec![] }; 4];
    for _ in 0..TURNS {
        for (count, at) in [(TOPICS, 0), (1, 1)] {
            let (topics, data, bare) = (Arc::clone(&topics), Arc::clone(data), bare.clone());
            rates[at].push(
                rate(turn, move |at| {
                    let (topics, data) = (Arc::clone(&topics), Arc::clone(&data));
                    async move { publish_one(&topics[at % count], &data).await }
                })
                .await,
            );
            rates[2 + at].push(rate(turn, move |at| bare.clone().publish(at, count)).await);
        }
    }
    let [many, one, bare_many, bare_one] = rates.map(median);
    row("publishes a second through a hub: 5,000 topics, 1 topic", [many, one]);
    row("publishes a second by bare EVALSHA: 5,000 topics, 1 topic", [bare_many, bare_one]);
    println!("| the first ratio by the second | | | {:.2} |", many / one / (bare_many / bare_one));
}

async fn frame(subscription: &mut Subscription) -> Bytes {
    let mut subscription = pin!(subscription);
    let frame = poll_fn(|cx| subscription.as_mut().poll_frame(cx)).await;
    let Ok(frame) = frame.expect("it goes on");
    frame.into_data().expect("bodies of a hub have no trailers")
}

async fn latency(redis: &RedisServer, data: &Arc<str>) {
    let keep = HistoryLimits::default();
    let (one, other) = (hub(redis, keep).await, hub(redis, keep).await);
    let (topic, followed) = (one.topic("latency").expect("one"), other.topic("latency").expect("one"));
    let mut subscription = followed.subscribe(From::Now).await.expect("one");
    frame(&mut subscription).await;
    let client = Client::open(redis.url()).expect("a URL");
    let mut publisher = client.get_multiplexed_async_connection().await.expect("the server is there");
    let mut heard = client.get_async_pubsub().await.expect("the server is there");
    heard.subscribe("bare").await.expect("it subscribes");
    let mut messages = heard.into_on_message();
    let event = format!("data: {data}\n");
    let (mut this, mut that) = (vec![], vec![]);
    for _ in 0..TURNS {
        let mut times = Vec::with_capacity(ONE_BY_ONE);
        for _ in 0..ONE_BY_ONE {
            let start = Instant::now();
            let publish = publish_one(&topic, data);
            let arrived = async {
                frame(&mut subscription).await;
                times.push(start.elapsed().as_secs_f64() * 1e6);
            };
            tokio::join!(publish, arrived);
        }
        this.push(median(times));
        let mut times = Vec::with_capacity(ONE_BY_ONE);
        for _ in 0..ONE_BY_ONE {
            let start = Instant::now();
            let mut command = redis::cmd("PUBLISH");
            command.arg("bare").arg(&event);
            let publish = command.query_async::<()>(&mut publisher);
            let arrived = async {
                messages.next().await.expect("it goes on");
                times.push(start.elapsed().as_secs_f64() * 1e6);
            };
            let (published, ()) = tokio::join!(publish, arrived);
            published.expect("the server is there");
        }
        that.push(median(times));
    }
    row("µs to a subscriber, p50: of another node, of bare PUBLISH", [median(this), median(that)]);
}
