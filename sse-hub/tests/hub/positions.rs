//! Tests that places in a topic outlive the topic and its events.

use std::time::Duration;

use sse_hub::{EventBuilder, From, HistoryLimits, Hub, HubConfig, Subscription};
use tokio::time::advance;

use super::{data, frame, messages, publish, ready, secs};

const HOUR: Duration = secs(3601);

/// The ID of the place that a new subscriber gets.
async fn place(hub: &Hub, topic: &str) -> String {
    let mut subscription = hub.topic(topic).unwrap().subscribe(From::Now).await.unwrap();
    let block = frame(&mut subscription).await.unwrap();
    let block = std::str::from_utf8(&block).unwrap();
    block.strip_prefix("id: ").unwrap().trim_end().to_owned()
}

/// Comes back with an ID, and returns what is there at once.
async fn back(hub: &Hub, topic: &str, id: &str) -> (Subscription, Vec<String>) {
    let mut subscription = hub.topic(topic).unwrap().subscribe(From::After(id)).await.unwrap();
    let mut texts = Vec::new();
    while let Some(bytes) = ready(&mut subscription).await {
        texts.extend(data(&bytes));
    }
    (subscription, texts)
}

const NOTHING: [&str; 0] = [];

#[tokio::test(start_paused = true)]
async fn a_subscriber_of_a_topic_without_events_resumes_without_a_gap() {
    let hub = Hub::new(HubConfig::default());
    let id = place(&hub, "fresh").await;
    for other in ["b", "c"] {
        publish(&hub.topic(other).unwrap(), "x").await;
        place(&hub, other).await;
    }
    assert!(hub.get("fresh").is_none(), "nobody holds it");
    let (mut subscription, texts) = back(&hub, "fresh", &id).await;
    assert_eq!(texts, NOTHING);
    publish(&hub.topic("fresh").unwrap(), "first").await;
    assert_eq!(data(&frame(&mut subscription).await.unwrap()), ["first"]);
    let (_, texts) = back(&hub, "fresh", &id).await;
    assert_eq!(texts, ["first"], "the place is still before the first event");
}

#[tokio::test(start_paused = true)]
async fn an_up_to_date_subscriber_resumes_without_a_gap_after_its_events_expired() {
    let hub = Hub::new(HubConfig::default());
    let ids = [publish(&hub.topic("t").unwrap(), "a").await, publish(&hub.topic("t").unwrap(), "b").await];
    advance(HOUR).await;
    hub.expire();
    assert_eq!(hub.metrics().topics, 0);
    assert_eq!(back(&hub, "t", &ids[1]).await.1, NOTHING);
    assert_eq!(back(&hub, "t", &ids[0]).await.1, [r#"{"missed":1}"#], "the size of a gap is exact");
    let third = publish(&hub.topic("t").unwrap(), "c").await;
    assert!(third.ends_with("-3"), "numbers go on: {third}");
    assert_eq!(back(&hub, "t", &ids[1]).await.1, ["c"]);
    assert_eq!(back(&hub, "t", &ids[0]).await.1, [r#"{"missed":1}"#, "c"]);
}

#[tokio::test(start_paused = true)]
async fn the_application_s_own_newest_id_outlives_its_event() {
    let hub = Hub::new(HubConfig::default());
    for id in ["one", "two"] {
        hub.topic("t").unwrap().publish(EventBuilder::new().id(id).unwrap().data(id)).await.unwrap();
    }
    advance(HOUR).await;
    hub.expire();
    assert_eq!(hub.last_event_id("t").await.unwrap().as_deref(), Some("two"));
    assert_eq!(back(&hub, "t", "two").await.1, NOTHING);
    assert_eq!(back(&hub, "t", "one").await.1, [r#"{"missed":null}"#]);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_of_remembered_topics_only_the_newest_stamp_is_kept() {
    let hub = Hub::new(HubConfig::default().with_remembered_topics(1));
    let empty = place(&hub, "empty").await;
    let mut ids = Vec::new();
    for topic in ["a", "b", "c"] {
        ids.push(publish(&hub.topic(topic).unwrap(), "x").await);
    }
    let later = place(&hub, "later").await;
    advance(HOUR).await;
    hub.expire();
    let mut gaps = Vec::new();
    for (topic, id) in [("a", &ids[0]), ("b", &ids[1]), ("c", &ids[2]), ("later", &later), ("empty", &empty)]
    {
        gaps.push(back(&hub, topic, id).await.1.len());
    }
    // Any two of the three may be dropped; the place with the higher stamp is known to be
    // unchanged.
    assert_eq!(gaps[3], 0, "it is newer than all that was dropped");
    assert_eq!(gaps[4], 1, "it may have had an event: {gaps:?}");
    assert!(gaps[..3].iter().sum::<usize>() <= 1, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_can_begin_with_the_oldest_event() {
    let hub = Hub::new(super::small());
    let topic = hub.topic("t").unwrap();
    for number in 0..6 {
        publish(&topic, &number.to_string()).await;
    }
    let mut earliest = topic.subscribe(Some("earliest")).await.unwrap();
    let block = messages(&mut proto::Parser::new(), &frame(&mut earliest).await.unwrap());
    assert!(block.is_empty(), "its place, and no gap: no requested event is gone");
    assert_eq!(data(&frame(&mut earliest).await.unwrap()), ["2", "3", "4", "5"]);
    let now = Option::<&str>::None.into();
    assert_eq!((From::from(Some("")), now), (From::Now, From::Now));
}

#[tokio::test(start_paused = true)]
async fn a_page_rendered_with_the_last_event_id_misses_no_event() {
    let hub = Hub::new(HubConfig::default());
    let before = hub.last_event_id("t").await.unwrap().unwrap();
    assert_eq!(hub.metrics().topics, 0, "it makes no topic");
    let topic = hub.topic("t").unwrap();
    publish(&topic, "a").await;
    let id = topic.last_event_id().await.unwrap().unwrap();
    publish(&topic, "b").await;
    assert_eq!(back(&hub, "t", &id).await.1, ["b"]);
    assert_eq!(back(&hub, "t", &before).await.1, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_could_not_be_kept_is_refused_whole() {
    let history = HistoryLimits::new().with_events(3).with_bytes(1000);
    let hub = Hub::new(HubConfig::default().with_history(history));
    let topic = hub.topic("t").unwrap();
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    frame(&mut subscription).await.unwrap();
    let large = "x".repeat(480);
    for events in [vec![EventBuilder::new(); 4], vec![EventBuilder::new().data(&large); 2]] {
        let error = topic.publish_all(&events).await.unwrap_err();
        assert_eq!(error.status(), 413);
        assert_eq!(error.to_string(), "a topic keeps 3 events and 1000 bytes: publish less at a time");
    }
    publish(&topic, &large).await;
    let [two, three] = ["two", "three"].map(|data| EventBuilder::new().data(data));
    topic.publish_all(&[two, three]).await.unwrap();
    assert_eq!(data(&frame(&mut subscription).await.unwrap()), [large.as_str(), "two", "three"]);
    assert_eq!(hub.metrics().published, 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_known_as_long_as_its_events_are_kept() {
    let hub = Hub::new(super::small());
    let topic = hub.topic("t").unwrap();
    let events = ["a", "b"].map(|data| EventBuilder::new().data(data));
    let ids = topic.publish_once("k", &events).await.unwrap();
    publish(&topic, "c").await;
    assert_eq!(topic.publish_once("k", &events).await.unwrap(), ids);
    assert_eq!(
        (hub.metrics().published, topic.publish_once("k", &events[..1]).await.unwrap_err().status().as_u16()),
        (3, 422)
    );
    for key in ["", &"k".repeat(129)] {
        assert_eq!(topic.publish_once(key, &events).await.unwrap_err().status(), 400);
    }
    for _ in 0..4 {
        publish(&topic, "more").await;
    }
    assert_ne!(
        topic.publish_once("k", &events).await.unwrap(),
        ids,
        "its events are gone, and so is the key"
    );
}
