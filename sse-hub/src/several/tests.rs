//! Tests of several topics over one connection, in virtual time.

use http_body_util::BodyExt as _;
use proto::{EventBuilder, Message, Parser};

use super::*;
use crate::{Hub, HubConfig};

/// The next `count` events of a stream.
async fn events(stream: &mut SeveralTopics, count: usize) -> Vec<Message> {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    while events.len() < count {
        let frame = stream.frame().await.expect("it goes on").expect("it cannot fail");
        let bytes = frame.into_data().expect("there are no trailers");
        let mut input = &bytes[..];
        while let Some(event) = parser.next_event(&mut input).expect("it is within the limits") {
            events.push(event.into());
        }
    }
    events
}

fn data(events: &[Message]) -> Vec<&str> {
    events.iter().map(Message::data).collect()
}

fn after(id: &str) -> LastEventId {
    LastEventId(Some(id.to_owned()))
}

async fn publish(topic: &Topic, data: &str) {
    topic.publish(EventBuilder::new().data(data)).await.expect("memory takes it");
}

#[tokio::test(start_paused = true)]
async fn resuming_is_exact_in_each_topic_after_every_event() {
    let hub = Hub::new(HubConfig::default());
    let topics = [hub.topic("a b").unwrap(), hub.topic("c=d&e").unwrap(), hub.topic("quiet").unwrap()];
    let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    for n in 0..4 {
        publish(&topics[0], &format!("a{n}")).await;
        publish(&topics[1], &format!("c{n}")).await;
    }
    let seen = events(&mut stream, 8).await;
    for (index, event) in seen.iter().enumerate() {
        let mut again = SeveralTopics::subscribe(&topics, &after(event.id())).await.unwrap();
        publish(&topics[2], "end").await;
        let rest = events(&mut again, 8 - index).await;
        let mut expected: Vec<&str> = data(&seen[index + 1..]);
        expected.push("end");
        let mut rest = data(&rest);
        expected.sort_unstable();
        rest.sort_unstable();
        assert!(
            expected.iter().all(|data| rest.contains(data)),
            "{index}: {rest:?} lacks some of {expected:?}"
        );
        assert_eq!(
            rest.iter().filter(|data| **data != "end").count(),
            7 - index,
            "{index}: nothing comes twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_a_gap_and_a_new_topic_begins_now() {
    let hub = Hub::new(HubConfig::default());
    let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
    publish(&topics[0], "old").await;
    publish(&topics[1], "old").await;
    let mut lost = SeveralTopics::subscribe(&topics, &after("of-another-server")).await.unwrap();
    let seen = events(&mut lost, 2).await;
    assert!(seen.iter().any(|event| event.event() == crate::GAP_EVENT), "{seen:?}");

    let id = topics[0].last_event_id().await.unwrap().unwrap();
    let mut grown = SeveralTopics::subscribe(&topics, &after(&pair("a", &id))).await.unwrap();
    publish(&topics[1], "new").await;
    assert_eq!(data(&events(&mut grown, 1).await), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn label_types_puts_the_topic_into_each_event_type() {
    let hub = Hub::new(HubConfig::default());
    let topics = [hub.topic("news").unwrap()];
    let stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    let mut stream = stream.label_types();
    let typed = EventBuilder::new().event("price").unwrap().data("1\n\n2");
    topics[0].publish_all(&[typed, EventBuilder::new().data("x")]).await.unwrap();
    let seen = events(&mut stream, 2).await;
    assert_eq!((seen[0].event(), seen[0].data()), ("news:price", "1\n\n2"));
    assert_eq!(seen[1].event(), "news");
}

#[tokio::test(start_paused = true)]
async fn one_heartbeat_serves_all_topics_and_moves_no_position() {
    let config = HubConfig::default().with_heartbeat("alive").unwrap();
    let hub = Hub::new(config);
    let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
    let stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
    let mut stream = stream.label_types();
    let start = tokio::time::Instant::now();
    let seen = events(&mut stream, 2).await;
    assert_eq!(
        start.elapsed(),
        2 * proto::KeepAlive::INTERVAL,
        "one for each interval, not one for each topic"
    );
    assert!(seen.iter().all(|event| (event.event(), event.data()) == ("alive", "")), "{seen:?}");
    publish(&topics[1], "x").await;
    let mut again = SeveralTopics::subscribe(&topics, &after(seen[1].id())).await.unwrap();
    assert_eq!(data(&events(&mut again, 1).await), ["x"], "the ID of before is still the client's");
}

#[tokio::test(start_paused = true)]
async fn no_topics_too_many_topics_and_ended_topics_are_refused() {
    let hub = Hub::new(HubConfig::default());
    let none = LastEventId(None);
    let error = |topics: Vec<Topic>| {
        let none = none.clone();
        async move { SeveralTopics::subscribe(&topics, &none).await.err() }
    };
    assert_eq!(error(Vec::new()).await, Some(SeveralError::NoTopic));
    let many = |count: usize| (0..count).map(|n| hub.topic(&format!("t{n}")).unwrap()).collect::<Vec<_>>();
    assert_eq!(error(many(32)).await, None);
    assert_eq!(error(many(33)).await, Some(SeveralError::TooManyTopics));
    let again = vec![hub.topic("t0").unwrap(); 40];
    assert_eq!(error(again).await, None, "a topic that is named again counts once");
    let long = (0..32).map(|n| hub.topic(&format!("{n}{}", "é".repeat(60))).unwrap()).collect();
    assert_eq!(error(long).await, Some(SeveralError::TooManyTopics));
    let topic = hub.topic("over").unwrap();
    publish(&topic, "x").await;
    topic.end().await.unwrap();
    assert_eq!(error(vec![topic.clone()]).await, Some(SeveralError::Hub(HubError::Ended)));
    assert_eq!(error(vec![topic, hub.topic("t0").unwrap()]).await, None, "the other goes on");
}
