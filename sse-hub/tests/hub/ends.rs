//! Why subscriptions ended.

use sse_hub::{End, LastEventId, SeveralTopics};

use super::*;

/// Reads to the end, and returns the reason.
async fn end(mut subscription: Subscription) -> Option<End> {
    assert_eq!(subscription.end(), None, "it goes on");
    while frame(&mut subscription).await.is_some() {}
    subscription.end()
}

#[tokio::test(start_paused = true)]
async fn each_end_has_its_reason() {
    let (hub, topic) = topic(HubConfig::default());
    let subscription = topic.subscribe(From::Now).await.unwrap().end_after(secs(60));
    assert_eq!(end(subscription).await, Some(End::Expired));

    let subscription = topic.subscribe(From::Now).await.unwrap();
    topic.end().await.unwrap();
    assert_eq!(end(subscription).await, Some(End::TopicEnded));

    let subscription = hub.topic("other").unwrap().subscribe(From::Now).await.unwrap();
    hub.close(secs(1));
    assert_eq!(end(subscription).await, Some(End::HubClosed));
}

#[tokio::test(start_paused = true)]
async fn the_earlier_one_of_a_maximum_age_and_an_expiry_is_the_reason() {
    let (_hub, topic) = topic(HubConfig::default().with_max_age(secs(100)));
    for (after, expected) in [(None, End::MaxAge), (Some(200), End::MaxAge), (Some(50), End::Expired)] {
        let subscription = topic.subscribe(From::Now).await.unwrap();
        let subscription = match after {
            Some(after) => subscription.end_after(secs(after)),
            None => subscription,
        };
        assert_eq!(end(subscription).await, Some(expected), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_disconnected_for_being_slow_has_lagged() {
    let (_hub, topic) = topic(small().with_on_lag(OnLag::Disconnect));
    let mut subscription = topic.subscribe(From::Now).await.unwrap();
    frame(&mut subscription).await.unwrap();
    for n in 0..5 {
        publish(&topic, &n.to_string()).await;
    }
    assert_eq!(end(subscription).await, Some(End::Lagged));
}

#[tokio::test(start_paused = true)]
async fn several_topics_end_for_the_reason_of_the_last_one() {
    let hub = Hub::new(HubConfig::default());
    let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
    let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    topics[0].end().await.unwrap();
    publish(&topics[1], "x").await;
    loop {
        let bytes = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        if bytes.starts_with(b"data: x\n") {
            break;
        }
    }
    assert_eq!(stream.end(), None, "the other topic goes on");
    hub.close(secs(1));
    while stream.frame().await.is_some() {}
    assert_eq!(stream.end(), Some(End::HubClosed));
}

#[tokio::test(start_paused = true)]
async fn several_topics_end_together_if_the_client_lags_in_one() {
    let hub = Hub::new(small().with_on_lag(OnLag::Disconnect));
    let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
    let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    for _ in 0..2 {
        assert!(stream.frame().await.unwrap().is_ok(), "its places");
    }
    for n in 0..5 {
        publish(&topics[0], &n.to_string()).await;
    }
    for _ in 0..5 {
        stream.frame().await;
    }
    assert_eq!(stream.end(), Some(End::Lagged), "or the client would never get the rest of `a`");
}

#[tokio::test(start_paused = true)]
async fn several_topics_end_together_at_the_maximum_age() {
    let hub = Hub::new(HubConfig::default().with_max_age(secs(1000)).with_keep_alive(Duration::MAX));
    let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
    let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    let mut received = [0_u32; 2];
    loop {
        for (at, topic) in topics.iter().enumerate() {
            publish(topic, &format!("of {at}")).await;
        }
        tokio::time::advance(secs(1)).await;
        let Some(frame) = stream.frame().await else { break };
        for text in data(&frame.unwrap().into_data().unwrap()) {
            received[usize::from(text == "of 1")] += 1;
        }
    }
    assert_eq!(stream.end(), Some(End::MaxAge));
    assert!(received[0].abs_diff(received[1]) < 10, "one topic was silent at the end: {received:?}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_in_memory_with_events_since_its_end_stays_in_the_hub() {
    let (hub, topic) = topic(HubConfig::default());
    publish(&topic, "old").await;
    drop(topic);
    assert!(hub.end("t").await.unwrap());
    tokio::time::sleep(secs(61)).await;
    let id = publish(&hub.topic("t").unwrap(), "new").await;
    assert_eq!((hub.metrics().topics, hub.empty_topics()), (1, 0));
    let topic = hub.get("t").unwrap();
    assert_eq!(topic.last_event_id().await, Ok(Some(id)));
    let mut subscription = topic.subscribe(From::Earliest).await.unwrap();
    frame(&mut subscription).await.unwrap();
    assert_eq!(data(&frame(&mut subscription).await.unwrap()), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_was_ended_is_not_listed() {
    let (hub, topic) = topic(HubConfig::default());
    publish(&topic, "x").await;
    assert_eq!(hub.topics(None, 10).await.unwrap().len(), 1);
    topic.end().await.unwrap();
    assert_eq!(hub.topics(None, 10).await.unwrap(), []);
}
