//! Tests of a hub over a log that keeps more events than the memory, and is unavailable at times.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use sse_hub::{
    AppendError, End, EventBuilder, From, Health, Hub, HubConfig, HubError, LastEventId, Log, SeveralTopics,
    Subscription, Topic,
};
use tokio::time::{sleep, timeout};

use super::remote::{AWAY, Remote};
use super::{data, frame, publish, ready, secs};

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
    let last = topic.last_event_id().await.unwrap().unwrap();
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
    assert_eq!((hub.last_event_id("t").await, topic.last_event_id().await), (Ok(None), Ok(None)));
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

/// A hub, and its topic with one event, which another node is about to end while this hub opens it:
/// `times` times, each for `lasting`.
async fn ended_while_it_opens(times: usize, lasting: Duration) -> (Arc<Remote>, Topic) {
    let log = Remote::new();
    publish(&topic(&log), "deleted").await;
    *log.ends.lock().unwrap() = (times, lasting);
    let topic = topic(&log);
    (log, topic)
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_ended_while_it_is_opened_is_ended() {
    let (_, topic) = ended_while_it_opens(1, secs(60)).await;
    for _ in 0..2 {
        assert_eq!(topic.subscribe(From::Earliest).await.unwrap_err(), HubError::Ended);
        let error = topic.publish(EventBuilder::new().data("x")).await.unwrap_err();
        assert_eq!(error, AppendError::Ended);
    }
    sleep(secs(61)).await;
    let mut subscription = topic.subscribe(From::Earliest).await.unwrap();
    publish(&topic, "again").await;
    assert_eq!(soon(&mut subscription).await, ["again"], "the name is free");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_ended_and_free_again_while_it_is_opened_gets_its_new_events_alone() {
    let (_, topic) = ended_while_it_opens(3, Duration::ZERO).await;
    let mut early = topic.subscribe(From::Earliest).await.unwrap();
    assert_eq!(soon(&mut early).await, numbers(0..0));
    assert_eq!(early.end(), Some(End::TopicEnded), "it came before the end");
    let mut later = topic.subscribe(From::Earliest).await.unwrap();
    publish(&topic, "new").await;
    assert_eq!(soon(&mut later).await, ["new"]);
}

#[tokio::test(start_paused = true)]
async fn one_opening_of_a_topic_runs_at_a_time_although_the_topic_is_ended() {
    let (log, topic) = ended_while_it_opens(2, Duration::ZERO).await;
    let mut subscriptions: Vec<_> = (0..40)
        .map(|n| {
            let topic = topic.clone();
            tokio::spawn(async move {
                sleep(Duration::from_millis(n)).await;
                topic.subscribe(From::Now).await
            })
        })
        .collect();
    for subscription in subscriptions.drain(..) {
        subscription.await.unwrap().unwrap();
    }
    assert_eq!(log.openings.1.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_several_topics_holds_a_topic_whose_place_is_not_known_yet() {
    let log = Remote::new();
    let hub = hub(&log);
    let topics = ["open", "away"].map(|name| hub.topic(name).unwrap());
    for topic in &topics {
        publish(topic, "before").await;
    }
    let _open = topics[0].subscribe(From::Now).await.unwrap();
    log.away.store(true, Ordering::Relaxed);
    let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    drop(stream);
    log.away.store(false, Ordering::Relaxed);
    for topic in &topics {
        publish(topic, "missed").await;
    }

    let mut parser = proto::Parser::new();
    assert!(super::messages(&mut parser, &first).is_empty());
    let id = LastEventId(Some(parser.last_event_id().to_owned()));
    let stream = SeveralTopics::subscribe(&topics, &id).await.unwrap();
    let mut stream = stream.label_types();
    let mut texts = Vec::new();
    while let Ok(Some(frame)) = timeout(secs(3), stream.frame()).await {
        for message in super::messages(&mut parser, &frame.unwrap().into_data().unwrap()) {
            texts.push(format!("{} {}", message.event(), message.data()));
        }
    }
    texts.sort_unstable();
    assert_eq!(texts, ["away missed", r#"away:gap {"missed":null}"#, "open missed"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_whose_topic_opens_slowly_gets_the_events_since_it_came() {
    let log = Remote::new();
    let other = topic(&log);
    publish(&other, "before").await;
    *log.opening.lock().unwrap() = secs(3);
    let topic = topic(&log);
    let start = tokio::time::Instant::now();
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(start.elapsed(), secs(1), "the response does not wait longer");
    publish(&other, "while it opens").await;
    sleep(secs(3)).await;
    publish(&other, "after").await;
    assert_eq!(soon(&mut subscription).await, ["while it opens", "after"]);
}
