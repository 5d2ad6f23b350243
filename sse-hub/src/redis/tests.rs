//! Tests of the Redis engine against a real server, beyond the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use proto::{EventBuilder, Gap, HistoryLimits};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{RedisConfig, RedisLog};
use crate::Place;
use crate::log::{
    After, Amount, AppendError, Appended, Batch, Feed, Following, Health, Located, Log as _, LogError, Update,
};
use server_process::RedisServer;

mod ends;
mod losses;
mod server_process;

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(300);

const ALL: Amount = Amount { events: 10_000, bytes: 1 << 30 };

fn node(redis: &RedisServer) -> RedisLog {
    RedisLog::new(RedisConfig::new(&redis.url()).unwrap()).unwrap()
}

fn one() -> Batch {
    Batch::new(&[EventBuilder::new().data("a")])
}

/// Appends, retrying until the server is available.
async fn append(log: &RedisLog, batch: Batch) -> Place {
    loop {
        match log.append("t", batch.clone()).await {
            Ok(appended) => return appended.first,
            Err(AppendError::Unavailable { .. } | AppendError::Unknown { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Test hub of one topic, which reads missing events as the crate's hub does.
struct Reader<'a> {
    log: &'a RedisLog,
    at: Place,
    updates: mpsc::UnboundedReceiver<Update>,
    _following: Following,
}

impl<'a> Reader<'a> {
    async fn new(log: &'a RedisLog, at: Place) -> Self {
        let (sender, updates) = mpsc::unbounded_channel();
        let feed = Feed::new(move |update| drop(sender.send(update)));
        let following = loop {
            match log.follow("t", feed.clone()).await {
                Ok(following) => break following,
                Err(LogError::Unavailable { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        };
        Self { log, at, updates, _following: following }
    }

    /// Numbers of the events until `last`; the size of each gap is a negative number, -1000 for an
    /// unknown size.
    async fn until(&mut self, last: Place) -> Vec<i64> {
        let mut numbers = Vec::new();
        while self.at != last {
            let page = match self.log.read("t", self.at.into(), ALL).await {
                Ok(page) => page,
                Err(LogError::Unavailable { .. }) => continue,
                Err(error) => panic!("{error:?}"),
            };
            numbers.extend(page.gap.map(|gap| gap.missed.map_or(-1000, |missed| -(missed as i64))));
            if page.gap.is_some() {
                self.at = page.after;
            }
            for event in &page.events {
                assert!(self.at.is_followed_by(event.place()), "{} after {}", event.place(), self.at);
                self.at = event.place();
                numbers.push(self.at.number as i64);
            }
            if page.events.is_empty() && page.gap.is_none() {
                // Each update is a reason to read.
                timeout(PATIENCE, self.updates.recv()).await.expect("it is told").unwrap();
            }
        }
        numbers
    }
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_loaded_again() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let first = append(&log, one()).await;
    assert_eq!(redis.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(append(&log, one()).await.number, first.number + 1);
}

#[tokio::test]
async fn redis_bounds_events_and_index_by_count_and_bytes() {
    let Some(redis) = RedisServer::start() else { return };
    let keep = HistoryLimits::new().with_events(100).with_bytes(10_000);
    let log = RedisLog::new(RedisConfig::new(&redis.url()).unwrap().keep(keep)).unwrap();
    let mut last = Place::default();
    for number in 0..1000 {
        let id = format!("id{number}");
        last = append(&log, Batch::new(&[EventBuilder::new().id(&id).unwrap()])).await;
    }
    let count = |command| redis.command(command)[1..].parse::<usize>().unwrap();
    let kept = count("XLEN sse:{t}:s");
    assert!((100..=356).contains(&kept), "{kept}");
    assert!(count("ZCARD sse:{t}:x") <= kept + 256, "{}", count("ZCARD sse:{t}:x"));
    assert_eq!(log.locate("t", "id999").await, Ok(Located::After(last)));
    assert!(matches!(log.locate("t", "id1").await, Ok(Located::Gone { missed: None, .. })));
    for _ in 0..40 {
        last = append(&log, Batch::new(&[EventBuilder::new().data(&"x".repeat(1000))])).await;
    }
    let kept = count("XLEN sse:{t}:s");
    assert!((9..=12).contains(&kept), "{kept}");
    assert!(count("ZCARD sse:{t}:x") <= 20, "{}", count("ZCARD sse:{t}:x"));
    let large = Batch::new(&[EventBuilder::new().data(&"x".repeat(10_001))]);
    assert_eq!(log.append("t", large).await, Err(AppendError::TooLarge { events: 100, bytes: 10_000 }));
    let start = log.open("t", Amount::NONE).await.unwrap().start;
    let missed = start.number - 500;
    let by_number = |number| After::Number { number, until: last };
    let page = log.read("t", by_number(500), ALL).await.unwrap();
    assert_eq!((page.gap, page.after), (Some(Gap::of(missed)), start));
    assert_eq!(page.events.len(), kept);
    // By number alone, as a subscriber that fell off the tail asks.
    for number in start.number..1040 {
        let page = log.read("t", by_number(number), Amount { events: 1, ..ALL }).await.unwrap();
        assert_eq!((page.gap, page.events[0].place().number), (None, number + 1));
    }
}

#[tokio::test]
async fn the_largest_limits_are_accepted() {
    let Some(redis) = RedisServer::start() else { return };
    let keep = HistoryLimits::new().with_events(usize::MAX).with_bytes(usize::MAX).with_age(Duration::MAX);
    let log = RedisLog::new(RedisConfig::new(&redis.url()).unwrap().keep(keep)).unwrap();
    for number in 1..=40 {
        assert_eq!(append(&log, one_with_id("own")).await.number, number);
    }
    redis.command("PEXPIRE sse:{t}:m 1000");
    assert_eq!(log.end("t", Duration::ZERO).await, Ok(true));
    // All keys of a topic that begins again expire some day.
    assert_eq!(append(&log, one_with_id("own")).await.number, 41);
    for kind in ["s", "m", "x", "q"] {
        let life = redis.command(&format!("PTTL sse:{{t}}:{kind}"))[1..].parse::<i64>().unwrap();
        assert!(life > 86_400_000, "{kind}: {life}");
    }
}

#[tokio::test]
async fn an_id_that_was_given_twice_means_the_first_kept_event() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let named = Batch::new(&[EventBuilder::new().id("same").unwrap().data("a")]);
    let first = append(&log, named.clone()).await;
    append(&log, one()).await;
    let second = append(&log, named).await;
    assert_eq!(log.locate("t", "same").await, Ok(Located::After(first)));
    redis.command(&format!("XDEL sse:{{t}}:s {first}"));
    assert_eq!(log.locate("t", "same").await, Ok(Located::After(second)));
}

#[tokio::test]
async fn a_key_is_known_to_every_node() {
    let Some(redis) = RedisServer::start() else { return };
    let (log, other) = (node(&redis), node(&redis));
    let batch = Batch::new(&[EventBuilder::new().data("a"), EventBuilder::new().data("b")]).with_key("k\0");
    let first = append(&log, batch.clone()).await;
    append(&other, one()).await;
    assert_eq!(other.append("t", batch).await, Ok(Appended::before(first)));
    assert_eq!(other.append("t", one().with_key("k\0")).await, Err(AppendError::KeyReused));
    assert_eq!(redis.command("XLEN sse:{t}:s"), ":3");
}

#[tokio::test]
async fn a_topic_of_another_format_is_refused_by_name() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    redis.command("SET sse:{t}:m 7");
    let expected = "sse:{t} in Redis has format version \"7\", and this program knows version 2".to_owned();
    assert_eq!(log.append("t", one()).await, Err(AppendError::Broken(expected.clone())));
    assert_eq!(log.open("t", ALL).await, Err(LogError::Corrupt(expected)));
}

#[tokio::test]
async fn nothing_is_missed_or_read_twice_when_the_subscribed_connection_is_cut() {
    let Some(redis) = RedisServer::start() else { return };
    let (log, other) = (node(&redis), node(&redis));
    let mut reader = Reader::new(&log, Place::new(0, 0)).await;
    let mut numbers = Vec::new();
    let mut last = Place::default();
    for _ in 0..5 {
        assert!(redis.command("CLIENT KILL TYPE pubsub").starts_with(':'));
        for _ in 0..20 {
            last = append(&other, one()).await;
        }
        numbers.extend(reader.until(last).await);
    }
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_restart_of_redis_loses_nothing_that_it_kept() {
    let Some(mut redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let mut reader = Reader::new(&log, Place::default()).await;
    append(&log, one()).await;
    assert_eq!(log.health(), Health::Ready);
    redis.kill();
    let refused = log.append("t", one()).await.unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable { .. } | AppendError::Unknown { .. }), "{refused:?}");
    assert!(matches!(log.health(), Health::Away(_)));
    redis.run();
    let mut last = Place::default();
    for _ in 0..3 {
        last = append(&log, one()).await;
    }
    assert_eq!(reader.until(last).await, (1..=last.number as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_a_publisher_less_than_two_seconds() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    append(&log, one()).await;
    redis.signal("STOP");
    for _ in 0..2 {
        let answer = timeout(Duration::from_secs(2), log.append("t", one())).await.expect("in time");
        assert!(
            matches!(answer, Err(AppendError::Unknown { .. } | AppendError::Unavailable { .. })),
            "{answer:?}"
        );
    }
    redis.signal("CONT");
    append(&log, one()).await;
}

#[tokio::test]
async fn a_wrong_password_is_named_without_being_shown() {
    let Some(redis) = RedisServer::with_options(&["--requirepass", "sesame"]) else { return };
    let url = format!("redis://:hunter2@127.0.0.1:{}", redis.port());
    let log = RedisLog::new(RedisConfig::new(&url).unwrap()).unwrap();
    assert!(log.open("t", ALL).await.is_err());
    let Health::Away(text) = log.health() else { panic!("it cannot work") };
    assert!(text.contains("assword") && !text.contains("hunter2"), "{text}");
    assert!(!format!("{log:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_refuses_writes_is_ready_only_once_it_accepts_them() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    append(&log, one()).await;
    let until = async |wanted: fn(&Health) -> bool| {
        while !wanted(&log.health()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    for (refuse, accept, word) in [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "replica"),
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "memory"),
        ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "replicas"),
    ] {
        redis.command(refuse);
        let refused = log.append("t", one()).await;
        assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "{word}: {refused:?}");
        assert!(
            matches!(log.health(), Health::Away(why) if why.contains(word)),
            "{word}: {:?}",
            log.health()
        );
        assert!(log.open("t", ALL).await.is_ok(), "{word}: it can be read");
        redis.command(accept);
        until(|health| *health == Health::Ready).await;
        append(&log, one()).await;
    }
    redis.command("REPLICAOF 127.0.0.1 1");
    let late = node(&redis);
    assert!(late.open("t", ALL).await.is_ok());
    timeout(PATIENCE, async {
        while !matches!(late.health(), Health::Away(why) if why.contains("replica")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("known before the first publish");
}

#[tokio::test]
async fn a_log_without_a_server_is_unavailable_until_the_server_starts() {
    let Some(mut redis) = RedisServer::start() else { return };
    redis.kill();
    let log = Arc::new(node(&redis));
    assert!(matches!(log.open("t", ALL).await, Err(LogError::Unavailable { .. })));
    assert!(matches!(log.health(), Health::Away(_)));
    redis.run();
    append(&log, one()).await;
    log.close().await;
    assert!(matches!(log.append("t", one()).await, Err(AppendError::Unavailable { .. })));
}

#[tokio::test]
async fn the_topics_of_a_redis_cluster_are_spread_over_its_nodes() {
    // The port of the cluster's bus is another free one.
    let bus = server_process::free_port;
    let node_of = |bus: u16| {
        RedisServer::with_options(&["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()])
    };
    let buses = [bus(), bus()];
    let (Some(one), Some(two)) = (node_of(buses[0]), node_of(buses[1])) else { return };
    assert_eq!(one.command("CLUSTER ADDSLOTSRANGE 0 8191"), "+OK");
    assert_eq!(two.command("CLUSTER ADDSLOTSRANGE 8192 16383"), "+OK");
    assert_eq!(one.command(&format!("CLUSTER MEET 127.0.0.1 {} {}", two.port(), buses[1])), "+OK");
    for node in [&one, &two] {
        while !node.command("CLUSTER INFO").contains("cluster_state:ok") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (log, other) = (node(&one), node(&two));
    let (sender, mut updates) = mpsc::unbounded_channel();
    for topic in ["a", "b", "c", "d", "e", "f"] {
        let sender = sender.clone();
        let feed = Feed::new(move |update| drop(sender.send(update)));
        let _following = other.follow(topic, feed).await.unwrap();
        let first = log.append(topic, one_with_id("own")).await.unwrap().first;
        let is_first =
            |update: &Update| matches!(update, Update::Appended(events) if events[0].place() == first);
        while !is_first(&timeout(PATIENCE, updates.recv()).await.unwrap().unwrap()) {}
        assert_eq!(other.locate(topic, "own").await, Ok(Located::After(first)));
        assert_eq!(other.read(topic, Place::default().into(), ALL).await.unwrap().events.len(), 1);
    }
    assert!(one.command("DBSIZE") != ":0" && two.command("DBSIZE") != ":0");
}

#[tokio::test]
async fn a_server_that_evicts_keys_is_at_risk() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(redis) = RedisServer::with_options(&options) else { return };
    let log = node(&redis);
    append(&log, one()).await;
    let risk = async {
        loop {
            if let Health::AtRisk(risk) = log.health() {
                return risk;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let risk = timeout(PATIENCE, risk).await.unwrap();
    assert!(risk.contains("noeviction") && risk.contains("allkeys-lru"), "{risk}");
}

fn one_with_id(id: &str) -> Batch {
    Batch::new(&[EventBuilder::new().id(id).unwrap().data("a")])
}

/// A log that has connected.
async fn ready(redis: &RedisServer) -> Arc<dyn crate::Log> {
    let log = node(redis);
    while log.health() != Health::Ready {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Arc::new(log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_passes_the_conformance_suite() {
    let Some(redis) = RedisServer::start() else { return };
    crate::conformance::check(ready(&redis).await, "").await;
    crate::conformance::survives(|| ready(&redis), "").await;
}
