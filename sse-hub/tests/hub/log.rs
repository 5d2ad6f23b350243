//! Tests of a hub over a log that keeps more events than the memory, and is unavailable at times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use sse_hub::{
    After, Amount, AppendError, Appended, Batch, EventBuilder, Extent, Feed, Following, From, Health,
    HistoryLimits, Hub, HubConfig, HubError, Later, Located, Log, LogError, MemoryLog, Page, Subscription,
    Topic,
};
use tokio::time::{sleep, timeout};

use super::{data, frame, publish, ready, secs};

const AWAY: Duration = secs(1);

/// A log that could be on another machine: it takes its time, can be away, and can keep its feeds
/// in the dark.
struct Remote {
    log: MemoryLog,
    away: AtomicBool,
    mute: Arc<AtomicBool>,
    reads: AtomicUsize,
}

impl Remote {
    fn new() -> Arc<Self> {
        let log = MemoryLog::new(HistoryLimits::default(), 100);
        Arc::new(Self { log, away: false.into(), mute: Arc::default(), reads: AtomicUsize::new(0) })
    }

    async fn ask(&self) -> Result<(), LogError> {
        sleep(Duration::from_millis(5)).await;
        match self.away.load(Ordering::Relaxed) {
            true => Err(LogError::Unavailable { retry_after: AWAY }),
            false => Ok(()),
        }
    }
}

impl Log for Remote {
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>> {
        Box::pin(async move {
            self.ask().await.map_err(|_| AppendError::Unavailable { retry_after: AWAY })?;
            self.log.append(topic, batch).await
        })
    }

    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            self.log.open(topic, newest).await
        })
    }

    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            self.log.locate(topic, id).await
        })
    }

    fn read<'a>(&'a self, topic: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.ask().await?;
            self.log.read(topic, after, amount).await
        })
    }

    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            let mute = Arc::clone(&self.mute);
            let lossy = Feed::new(move |update| {
                if !mute.load(Ordering::Relaxed) {
                    drop(feed.send(update));
                }
            });
            self.log.follow(topic, lossy).await
        })
    }

    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            self.log.end(topic, lasting).await
        })
    }

    fn health(&self) -> Health {
        match self.away.load(Ordering::Relaxed) {
            true => Health::Away("unplugged".into()),
            false => Health::Ready,
        }
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}

/// A hub that keeps four events in memory.
fn hub(log: &Arc<Remote>) -> Hub {
    Hub::with_log(super::small().with_keep_alive(secs(15)), Arc::clone(log) as Arc<dyn Log>)
}

fn topic(log: &Arc<Remote>) -> Topic {
    hub(log).topic("t").unwrap()
}

/// The frames that arrive within three seconds, except the block with the place's ID.
async fn soon(subscription: &mut Subscription) -> Vec<String> {
    let mut texts = Vec::new();
    while let Ok(Some(bytes)) = timeout(secs(3), frame(subscription)).await {
        texts.extend(data(&bytes));
    }
    texts
}

async fn publish_numbers(topic: &Topic, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        ids.push(publish(topic, &number.to_string()).await);
    }
    ids
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_resumes_from_events_that_only_the_log_has() {
    let log = Remote::new();
    let topic = topic(&log);
    let ids = publish_numbers(&topic, 0..20).await;
    let mut resumed = topic.subscribe(From::After(&ids[2])).await.unwrap();
    assert_eq!(soon(&mut resumed).await, numbers(3..20));
    publish_numbers(&topic, 20..22).await;
    assert_eq!(soon(&mut resumed).await, numbers(20..22), "and goes on in memory");
    let mut earliest = topic.subscribe(From::Earliest).await.unwrap();
    assert_eq!(soon(&mut earliest).await, numbers(0..22));
    let mut now = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(soon(&mut now).await, numbers(0..0));
    let last = topic.last_event_id().await.unwrap();
    assert!(last.ends_with("-22"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn equal_reads_of_the_log_at_a_time_are_one_read() {
    let log = Remote::new();
    let topic = topic(&log);
    let ids = publish_numbers(&topic, 0..20).await;
    drop(topic.subscribe(From::Now).await.unwrap());
    let mut subscriptions = Vec::new();
    for _ in 0..10 {
        subscriptions.push(topic.subscribe(From::After(&ids[0])).await.unwrap());
    }
    for subscription in &mut subscriptions {
        assert_eq!(ready(subscription).await, None, "the log is being read");
    }
    let mut first = Vec::new();
    for subscription in &mut subscriptions {
        first.push(frame(subscription).await.unwrap());
    }
    assert_eq!(data(&first[0]), numbers(1..20));
    assert!(first.iter().all(|bytes| bytes.as_ptr() == first[0].as_ptr()));
    assert_eq!(log.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_lags_catches_up_from_the_log() {
    let log = Remote::new();
    let topic = topic(&log);
    let mut slow = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(soon(&mut slow).await, numbers(0..0));
    publish_numbers(&topic, 0..30).await;
    assert_eq!(soon(&mut slow).await, numbers(0..30));
}

#[tokio::test(start_paused = true)]
async fn missed_updates_are_read_from_the_log() {
    let log = Remote::new();
    let topic = topic(&log);
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(soon(&mut subscription).await, numbers(0..0));
    log.mute.store(true, Ordering::Relaxed);
    publish_numbers(&topic, 0..10).await;
    assert_eq!(soon(&mut subscription).await, numbers(0..0), "nobody told");
    log.mute.store(false, Ordering::Relaxed);
    publish_numbers(&topic, 10..11).await;
    assert_eq!(soon(&mut subscription).await, numbers(0..11));
}

#[tokio::test(start_paused = true)]
async fn while_the_log_is_unavailable_new_subscribers_wait_and_publishing_fails() {
    let log = Remote::new();
    let hub = hub(&log);
    let known = {
        let topic = hub.topic("t").unwrap();
        publish_numbers(&topic, 0..3).await.remove(0)
    };
    log.away.store(true, Ordering::Relaxed);
    let topic = hub.topic("t").unwrap();
    let error = topic.publish(EventBuilder::new().data("x")).await.unwrap_err();
    assert_eq!(error, AppendError::Unavailable { retry_after: AWAY });
    assert_eq!((error.status().as_u16(), hub.health()), (503, Health::Away("unplugged".into())));
    let start = tokio::time::Instant::now();
    let mut now = topic.subscribe(From::Now).await.unwrap();
    let mut resumed = topic.subscribe(From::After(&known)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "the response does not wait");
    assert_eq!((now.last_event_id(), topic.last_event_id().await.is_err()), (None, true));
    assert_eq!(frame(&mut now).await.unwrap(), ": \n", "but comments come");

    log.away.store(false, Ordering::Relaxed);
    publish_numbers(&hub.topic("t").unwrap(), 3..4).await;
    assert_eq!(soon(&mut now).await, numbers(3..4), "what was published since it came, and nothing before");
    assert_eq!(soon(&mut resumed).await, numbers(1..4));
    assert!(now.last_event_id().unwrap().ends_with("-4"));
}

#[tokio::test(start_paused = true)]
async fn unused_topics_leave_memory_and_keep_their_events_in_the_log() {
    let log = Remote::new();
    let hub = Hub::with_log(HubConfig::default().with_max_topics(2), Arc::clone(&log) as Arc<dyn Log>);
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let topic = hub.topic(name).unwrap();
        ids.push(publish(&topic, name).await);
        drop(topic.subscribe(From::Now).await.unwrap());
        publish(&topic, "more").await;
    }
    let held = ["a", "b"].map(|name| hub.topic(name).unwrap());
    assert_eq!(hub.topic("c").unwrap_err(), HubError::TooManyTopics { limit: 2 }, "both are in use");
    let mut resumed = held[0].subscribe(From::After(&ids[0])).await.unwrap();
    assert_eq!(soon(&mut resumed).await, ["more"]);
    drop((held, resumed));
    sleep(secs(61)).await;
    hub.expire();
    assert_eq!(hub.metrics().topics, 0);
}

#[tokio::test(start_paused = true)]
async fn an_ended_topic_ends_its_subscriptions_and_refuses_new_ones_for_a_while() {
    let log = Remote::new();
    let hub = Hub::with_log(HubConfig::default().with_retry(secs(3)), Arc::clone(&log) as Arc<dyn Log>);
    let topic = hub.topic("t").unwrap();
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    publish(&topic, "last").await;
    assert!(hub.end("t").await.unwrap());
    assert!(!hub.end("t").await.unwrap());
    let rest = subscription.collect().await.unwrap().to_bytes();
    assert!(rest.ends_with(b"retry: 3000\n\n"), "{rest:?}");
    assert_eq!(hub.last_event_id("t").await, Ok(None));
    for topic in [topic.clone(), hub.topic("t").unwrap()] {
        assert_eq!(topic.subscribe(From::Now).await.unwrap_err(), HubError::Ended);
        let error = topic.publish(EventBuilder::new().data("x")).await.unwrap_err();
        assert_eq!((error.status().as_u16(), error), (410, AppendError::Ended));
    }
    sleep(secs(61)).await;
    subscription = topic.subscribe(From::Now).await.unwrap();
    publish(&topic, "again").await;
    assert_eq!(soon(&mut subscription).await, ["again"], "the name is free");
}
