//! The hub: replay, bursts, gaps, shutdown. Time is virtual.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod cold;
mod ends;
mod limits;
mod log;
mod positions;
mod remote;
mod resume;
mod runtimes;
mod time;

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use proto::{Message, Parser};
use sse_hub::{
    EventBuilder, From, GAP_EVENT, HistoryLimits, Hub, HubConfig, HubError, OnLag, Subscription, Topic,
};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn topic(config: HubConfig) -> (Hub, Topic) {
    let hub = Hub::new(config);
    let topic = hub.topic("t").unwrap();
    (hub, topic)
}

/// A log of four events.
fn small() -> HubConfig {
    HubConfig::default().with_history(HistoryLimits::new().with_events(4))
}

async fn publish(topic: &Topic, data: &str) -> String {
    topic.publish(EventBuilder::new().data(data)).await.unwrap()
}

/// The next frame, waiting for it; `None` at the end.
async fn frame(subscription: &mut Subscription) -> Option<Bytes> {
    Some(subscription.frame().await?.unwrap().into_data().unwrap())
}

/// The next frame if it is there without waiting.
async fn ready(subscription: &mut Subscription) -> Option<Bytes> {
    let mut frame = std::pin::pin!(frame(subscription));
    std::future::poll_fn(|cx| match frame.as_mut().poll(cx) {
        Poll::Ready(bytes) => Poll::Ready(bytes),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn messages(parser: &mut Parser, mut bytes: &[u8]) -> Vec<Message> {
    let mut messages = vec![];
    while let Some(event) = parser.next_event(&mut bytes).unwrap() {
        messages.push(event.into());
    }
    messages
}

/// The data of the events in a frame.
fn data(bytes: &[u8]) -> Vec<String> {
    data_with(&mut Parser::new(), bytes)
}

fn data_with(parser: &mut Parser, bytes: &[u8]) -> Vec<String> {
    messages(parser, bytes).into_iter().map(Message::into_data).collect()
}

#[tokio::test(start_paused = true)]
async fn a_subscription_replays_the_events_after_the_id_in_one_frame_and_continues() {
    let (_, topic) = topic(HubConfig::default());
    let first = publish(&topic, "a").await;
    publish(&topic, "b").await;
    publish(&topic, "c\nd").await;
    let mut subscription = topic.subscribe(From::After(&first)).await.unwrap();
    let bytes = frame(&mut subscription).await.unwrap();
    assert_eq!(data(&bytes), ["b", "c\nd"]);
    assert_eq!(ready(&mut subscription).await, None);
    let id = publish(&topic, "e").await;
    assert_eq!(frame(&mut subscription).await.unwrap(), format!("data: e\nid: {id}\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_concatenated_once_for_all_subscribers() {
    let (_, topic) = topic(HubConfig::default());
    let mut subscriptions = vec![];
    for _ in 0..3 {
        let mut subscription = topic.subscribe(From::Now).await.unwrap();
        frame(&mut subscription).await.unwrap();
        subscriptions.push(subscription);
    }
    for round in 0..3 {
        let events = ["a", "b", "c"].map(|text| EventBuilder::new().data(text));
        let ids = topic.publish_all(&events).await.unwrap();
        assert_eq!(ids.len(), 3);
        let mut frames = vec![];
        for subscription in &mut subscriptions {
            frames.push(ready(subscription).await.unwrap());
        }
        assert_eq!(data(&frames[0]), ["a", "b", "c"]);
        assert!(frames.iter().all(|frame| frame.as_ptr() == frames[0].as_ptr()), "round {round}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_event_is_shared_wherever_it_is_read() {
    let (_, topic) = topic(HubConfig::default());
    let first = publish(&topic, "first").await;
    let large = "x".repeat(100_000);
    let second = publish(&topic, &large).await;
    publish(&topic, &large).await;
    publish(&topic, "last").await;
    let mut read = vec![];
    // By turns, so that neither is what was read last.
    for id in [&first, &second, &first, &second] {
        read.push(frame(&mut topic.subscribe(From::After(id)).await.unwrap()).await.unwrap());
    }
    assert_eq!(data(&read[0]), [large]);
    assert_eq!([read[0].as_ptr(), read[1].as_ptr()], [read[2].as_ptr(), read[3].as_ptr()]);
}

#[test]
fn a_hub_outlives_the_runtime_that_polled_it_first() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let first = runtime();
    let (_, topic) = first.block_on(async { topic(HubConfig::default()) });
    let follow = async || {
        let mut subscription = topic.subscribe(From::Now).await.unwrap();
        frame(&mut subscription).await.unwrap();
        assert_eq!(ready(&mut subscription).await, None, "it waits");
        publish(&topic, "x").await;
        assert_eq!(data(&frame(&mut subscription).await.unwrap()), ["x"]);
        subscription
    };
    drop(first.block_on(follow()));
    drop(first);
    let second = runtime();
    let stays = second.block_on(follow());
    drop(second);
    let third = runtime();
    // The timer of the remaining subscriber ended with its runtime, which costs one subscriber its
    // task and no later one.
    let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| third.block_on(follow())));
    drop(lost);
    let mut follows = third.block_on(follow());
    let comment = third.block_on(async { tokio::time::timeout(secs(20), frame(&mut follows)).await });
    assert_eq!(comment.unwrap().unwrap(), ": \n", "and its silence is broken");
    drop(stays);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_sent_in_frames_of_bounded_size() {
    let (_, topic) = topic(HubConfig::default());
    let begin = publish(&topic, "").await;
    for _ in 0..10 {
        publish(&topic, &"x".repeat(20_000)).await;
    }
    publish(&topic, &"y".repeat(200_000)).await;
    let mut subscription = topic.subscribe(From::After(&begin)).await.unwrap();
    let mut sizes = vec![];
    while let Some(frame) = ready(&mut subscription).await {
        sizes.push(frame.len() / 20_000);
    }
    assert_eq!(sizes, [3, 3, 3, 1, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_frame_may_be_exactly_as_long_as_its_bound() {
    let (_, topic) = topic(HubConfig::default());
    let begin = publish(&topic, "").await;
    publish(&topic, &"x".repeat(30_000)).await;
    let first = frame(&mut topic.subscribe(From::After(&begin)).await.unwrap()).await.unwrap().len();
    publish(&topic, &"x".repeat(30_000 + (64 << 10) - 2 * first)).await;
    publish(&topic, "next").await;
    let both = frame(&mut topic.subscribe(From::After(&begin)).await.unwrap()).await.unwrap();
    assert_eq!(both.len(), 64 << 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_an_id_gets_the_id_of_its_place() {
    let (_, topic) = topic(HubConfig::default().with_retry(secs(2)));
    publish(&topic, "before").await;
    let mut parser = Parser::new();
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    assert_eq!(messages(&mut parser, &frame(&mut subscription).await.unwrap()), []);
    assert_eq!(parser.retry(), Some(secs(2)));
    drop(subscription);

    publish(&topic, "missed").await;
    let mut subscription = topic.subscribe(Some(parser.last_event_id())).await.unwrap();
    assert_eq!(frame(&mut subscription).await.unwrap(), "retry: 2000\n\n");
    assert_eq!(data(&frame(&mut subscription).await.unwrap()), ["missed"]);
}

#[tokio::test(start_paused = true)]
async fn the_application_may_give_its_own_ids() {
    let (_, topic) = topic(HubConfig::default());
    let event = EventBuilder::new().data("x");
    assert_eq!(topic.publish(event.clone().id("mine").unwrap()).await.unwrap(), "mine");
    let given = topic.publish(event.id("").unwrap()).await.unwrap();
    assert!(given.ends_with("-2"), "an empty ID would make clients forget theirs: {given}");
    let mut subscription = topic.subscribe(Some("mine")).await.unwrap();
    assert_eq!(frame(&mut subscription).await.unwrap(), format!("data: x\nid: {given}\n\n"));
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_log_is_a_gap_that_is_reported_once() {
    let (hub, topic) = topic(HubConfig::default());
    publish(&topic, "a").await;
    let mut parser = Parser::with_last_event_id("0123456789abcdef-7");
    let mut subscription = topic.subscribe(Some(parser.last_event_id())).await.unwrap();
    let told = messages(&mut parser, &frame(&mut subscription).await.unwrap());
    assert_eq!((told[0].event(), told[0].data()), (GAP_EVENT, r#"{"missed":null}"#));
    drop(subscription);

    let mut subscription = topic.subscribe(Some(parser.last_event_id())).await.unwrap();
    assert_eq!(data(&frame(&mut subscription).await.unwrap()), ["a"], "the gap's ID is a place in this log");
    assert_eq!((hub.metrics().gaps, hub.metrics().dropped), (1, 0), "how many were missed is not known");
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_gets_a_gap_event_and_holds_no_memory() {
    let (hub, topic) = topic(small());
    let mut slow = topic.subscribe(From::Now).await.unwrap();
    let mut quick = topic.subscribe(From::Now).await.unwrap();
    frame(&mut slow).await.unwrap();
    frame(&mut quick).await.unwrap();
    for number in 1..=10 {
        publish(&topic, &number.to_string()).await;
        assert_eq!(data(&frame(&mut quick).await.unwrap()), [number.to_string()]);
    }
    assert_eq!(slow.lag(), 10);
    assert_eq!((hub.metrics().lag, hub.metrics().dropped), (10, 0));
    let told = messages(&mut Parser::new(), &frame(&mut slow).await.unwrap());
    assert_eq!((told[0].event(), told[0].data()), (GAP_EVENT, r#"{"missed":6}"#));
    assert_eq!(data(&frame(&mut slow).await.unwrap()), ["7", "8", "9", "10"]);
    assert_eq!((hub.metrics().lag, hub.metrics().dropped), (0, 6));
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_disconnected_if_so_configured() {
    let (hub, topic) = topic(small().with_on_lag(OnLag::Disconnect));
    let mut slow = topic.subscribe(From::Now).await.unwrap();
    frame(&mut slow).await.unwrap();
    for number in 0..5 {
        publish(&topic, &number.to_string()).await;
    }
    assert_eq!(frame(&mut slow).await, None);
    assert_eq!(frame(&mut slow).await, None, "and stays so");
    assert_eq!(hub.metrics().dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_streams_after_their_last_event_with_a_retry() {
    let (hub, topic) = topic(HubConfig::default());
    let mut waiting = topic.subscribe(From::Now).await.unwrap();
    let mut behind = topic.subscribe(From::Now).await.unwrap();
    frame(&mut waiting).await.unwrap();
    frame(&mut behind).await.unwrap();
    publish(&topic, "last").await;
    frame(&mut waiting).await.unwrap();
    let (end, ()) = tokio::join!(frame(&mut waiting), async { hub.close(secs(1)) });
    assert_eq!(end.unwrap(), "retry: 1000\n\n");
    assert_eq!(frame(&mut waiting).await, None);
    assert_eq!(data(&frame(&mut behind).await.unwrap()), ["last"]);
    assert!(!behind.is_end_stream());
    assert_eq!(frame(&mut behind).await.unwrap(), "retry: 1000\n\n");
    assert!(behind.is_end_stream());
    assert_eq!(frame(&mut behind).await, None);
    let error = topic.subscribe(From::Now).await.unwrap_err();
    assert_eq!(error, HubError::Closed);
    assert_eq!(error.to_string(), "the hub is shutting down: try again later");
}

/// Every connection is cut somewhere, inside lines and events too, and the next one resumes.
#[tokio::test(start_paused = true)]
async fn no_event_is_lost_or_repeated_wherever_a_subscription_is_cut() {
    const EVENTS: usize = 6;
    let (_, topic) = topic(HubConfig::default());
    for cut in 1..150 {
        let mut received = vec![];
        let mut published = vec![];
        let mut last_event_id = None;
        // Each connection is a byte longer than the one before, so that all of them get somewhere.
        for length in cut.. {
            let mut parser = Parser::with_last_event_id(last_event_id.clone().unwrap_or_default());
            let mut subscription = topic.subscribe(last_event_id.as_deref()).await.unwrap();
            let mut room: usize = length;
            while room > 0 && received.len() < EVENTS {
                let Some(bytes) = ready(&mut subscription).await else { break };
                let arrived = &bytes[..bytes.len().min(room)];
                received.extend(data_with(&mut parser, arrived));
                room -= arrived.len();
                if !parser.last_event_id().is_empty() && published.len() < EVENTS {
                    published.push(format!("{}\nof {cut}", published.len()));
                    publish(&topic, published.last().unwrap()).await;
                }
            }
            if received.len() == EVENTS {
                break;
            }
            last_event_id = Some(parser.last_event_id().to_owned());
        }
        assert_eq!(received, published, "cut after {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_threads() {
    let config = HubConfig::default().with_history(HistoryLimits::new().with_events(100_000));
    let (_, topic) = topic(config.with_keep_alive(Duration::MAX));
    let mut tasks = vec![];
    for _ in 0..20 {
        let mut subscription = topic.subscribe(From::Now).await.unwrap();
        tasks.push(tokio::spawn(async move {
            let mut parser = Parser::new();
            let mut received = vec![];
            while received.len() < 2000 {
                received.extend(data_with(&mut parser, &frame(&mut subscription).await.unwrap()));
            }
            received
        }));
    }
    let expected: Vec<String> = (0..2000).map(|number: u32| number.to_string()).collect();
    for (at, number) in expected.iter().enumerate() {
        publish(&topic, number).await;
        if at % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
    for task in tasks {
        let received = tokio::time::timeout(secs(60), task).await.expect("a wake-up was lost");
        assert_eq!(received.unwrap(), expected);
    }
}
