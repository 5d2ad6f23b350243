//! Tests of a Redis that is emptied, or comes back with an older file.

use std::fs;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;

use super::*;
use crate::{From, Hub, HubConfig, Subscription};

/// A copy of what the server has on disk.
struct File(PathBuf);

impl File {
    fn copy(redis: &mut RedisServer) -> Self {
        redis.kill();
        let copy = redis.directory().join("copy");
        copy_files(&append_only(redis.directory()), &copy);
        redis.run();
        Self(copy)
    }

    /// Restarts the server with the copy, without later data.
    fn restore(self, redis: &mut RedisServer) {
        redis.kill();
        let files = append_only(redis.directory());
        fs::remove_dir_all(&files).or_else(|_| fs::remove_file(&files)).unwrap();
        fs::rename(self.0, files).unwrap();
        redis.run();
    }
}

/// The append-only file of a server: a directory of files since Redis 7.0, one file before.
fn append_only(directory: &Path) -> PathBuf {
    let files = directory.join("appendonlydir");
    if files.exists() { files } else { directory.join("appendonly.aof") }
}

fn copy_files(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        copy_files(&file.path(), &to.join(file.file_name()));
    }
}

#[tokio::test]
async fn subscribers_of_a_server_that_was_emptied_get_a_gap_of_unknown_size() {
    let Some(redis) = RedisServer::start() else { return };
    let (log, stranger) = (node(&redis), node(&redis));
    for publisher in [&log, &stranger] {
        let start = log.open("t", Amount::NONE).await.unwrap().last;
        let mut reader = Reader::new(&log, start).await;
        let mut last = Place::default();
        for _ in 0..3 {
            last = append(&log, one()).await;
        }
        assert_eq!(reader.until(last).await, [1, 2, 3].map(|number| number + start.number as i64));
        redis.command("FLUSHALL");
        let after = append(publisher, one()).await;
        assert!(after.stamp > last.stamp, "stamps rise");
        assert_eq!(reader.until(after).await, [-1000, 1]);
        let gone = log.locate("t", &last.to_string()).await.unwrap();
        assert!(matches!(gone, Located::Gone { missed: None, .. }), "{gone:?}");
    }
}

#[tokio::test]
async fn a_restored_older_file_is_a_gap_also_for_subscribers_that_come_later() {
    let Some(mut redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let mut reader = Reader::new(&log, Place::default()).await;
    let first = append(&log, one()).await;
    let file = File::copy(&mut redis);
    let mut last = first;
    for _ in 0..4 {
        last = append(&log, one()).await;
    }
    assert_eq!(reader.until(last).await, (1..=last.number as i64).collect::<Vec<_>>());
    file.restore(&mut redis);
    let after = append(&log, one()).await;
    assert_eq!(after.number, 2, "given again, with another stamp");
    assert_eq!(reader.until(after).await, [-1000, 2]);
    // A reader that never had the lost events also gets the gap.
    assert_eq!(Reader::new(&log, Place::default()).await.until(after).await, [1, -1000, 2]);
    let newest = log.open("t", ALL).await.unwrap().newest;
    assert_eq!(newest.len(), 1, "in one piece");
}

#[tokio::test]
async fn a_topic_that_was_followed_before_its_first_event_has_lost_none() {
    let Some(redis) = RedisServer::start() else { return };
    let (log, other) = (node(&redis), node(&redis));
    let mut elsewhere = Reader::new(&other, Place::default()).await;
    let mut reader = Reader::new(&log, Place::default()).await;
    for _ in 0..2 {
        // Every connection begins with a comparison.
        redis.command("CLIENT KILL TYPE pubsub");
        let last = append(&log, one()).await;
        assert_eq!(reader.until(last).await, [last.number as i64]);
        assert_eq!(elsewhere.until(last).await, [last.number as i64]);
    }
    let names = super::super::names::Names::new("sse:", "t");
    let found = log.server().look(&names, None, Amount::NONE).await.unwrap();
    assert_eq!((found.newest.number, found.loss), (2, 0));
}

#[tokio::test]
async fn a_hub_that_never_had_the_lost_events_is_made_to_compare() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (log, stranger) = (node(&redis), node(&redis));
    for publisher in [&log, &stranger] {
        let start = append(&log, one()).await;
        let file = File::copy(&mut redis);
        let mut reader = Reader::new(&log, start).await;
        // Acknowledged, and its hub has not read them.
        for _ in 0..3 {
            append(&log, one()).await;
        }
        file.restore(&mut redis);
        let again = append(publisher, one()).await;
        assert_eq!(again.number, start.number + 1, "directly after the place of the reader");
        let mut looked = false;
        while !looked {
            match timeout(PATIENCE, reader.updates.recv()).await.unwrap().unwrap() {
                Update::Appended(events) => assert_ne!(events[0].place(), again, "it would not be noticed"),
                Update::Latest(place) => looked = place == again,
                _ => {}
            }
        }
        assert_eq!(reader.until(again).await, [-1000, again.number as i64]);
        let next = append(publisher, one()).await;
        assert_eq!(reader.until(next).await, [next.number as i64]);
    }
}

/// A hub on its own node.
fn hub(redis: &RedisServer) -> Hub {
    Hub::with_log(HubConfig::default(), Arc::new(node(redis)))
}

/// Publishes, retrying until the server is available; returns the ID.
async fn publish(hub: &Hub, data: &str) -> String {
    let topic = hub.topic("t").unwrap();
    loop {
        match topic.publish(EventBuilder::new().data(data)).await {
            Ok(id) => return id,
            Err(AppendError::Unavailable { .. } | AppendError::Unknown { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn follow(hub: &Hub, id: &str) -> Subscription {
    hub.topic("t").unwrap().subscribe(From::After(id)).await.unwrap()
}

/// The data of the events until one has the data `last`; for a gap, its size.
async fn data_until(subscription: &mut Subscription, last: &str) -> Vec<String> {
    let (mut text, line) = (String::new(), format!("data: {last}\n"));
    while !text.contains(&line) {
        let frame = timeout(PATIENCE, subscription.frame()).await.expect("it comes").unwrap();
        let Ok(frame) = frame;
        text.push_str(str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

const GAP: &str = r#"{"missed":null}"#;

/// A client that has all events that Redis kept, and none that it lost, returns to a node whose
/// tail was repaired.
#[tokio::test]
async fn a_node_that_noticed_a_loss_reports_it_to_a_client_that_had_none_of_the_lost_events() {
    let Some(mut redis) = RedisServer::start() else { return };
    let hub = hub(&redis);
    let kept = publish(&hub, "kept").await;
    let file = File::copy(&mut redis);
    let mut stays = follow(&hub, &kept).await;
    publish(&hub, "lost").await;
    assert_eq!(data_until(&mut stays, "lost").await, ["lost"]);
    file.restore(&mut redis);
    publish(&hub, "after").await;
    assert_eq!(data_until(&mut stays, "after").await, [GAP, "after"]);
    assert_eq!(data_until(&mut follow(&hub, &kept).await, "after").await, [GAP, "after"]);
}

/// The publishing node does not know of the loss, and another node delivers the event before any
/// node marks the loss.
#[tokio::test]
async fn a_loss_that_is_marked_late_is_reported_by_nodes_that_have_read_past_it() {
    let Some(redis) = RedisServer::start() else { return };
    let (one, other) = (hub(&redis), hub(&redis));
    let kept = publish(&one, "kept").await;
    let mut early = follow(&other, &kept).await;
    let known: Place = kept.parse().unwrap();
    let after = publish(&one, "after").await;
    assert_eq!(data_until(&mut early, "after").await, ["after"]);
    let marking = node(&redis);
    let names = super::super::names::Names::new("sse:", "t");
    // It knows of an event that came between the two, from an earlier connection.
    marking.server().topics.record(&names.channel, Place::new(known.stamp + 1, known.number + 1));
    marking.server().topics.doubt_all();
    while marking.open("t", Amount::NONE).await.is_err() {}
    // The message is on its way: what is published after it comes after it.
    let last = publish(&one, "last").await;
    assert_eq!(
        data_until(&mut early, "last").await,
        ["last"],
        "it gets no gap for events that it may have had"
    );
    assert_eq!(data_until(&mut follow(&other, &kept).await, "last").await, [GAP, "after", "last"]);
    assert_eq!(data_until(&mut follow(&other, &after).await, "last").await, ["last"]);
    drop(last);
}

/// A third node published the lost event, and alone knows of it.
#[tokio::test]
async fn a_node_without_subscribers_notices_that_its_published_events_were_lost() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (publisher, other) = (hub(&redis), hub(&redis));
    let kept = publish(&publisher, "kept").await;
    let file = File::copy(&mut redis);
    publish(&publisher, "lost").await;
    file.restore(&mut redis);
    publish(&publisher, "after").await;
    assert_eq!(data_until(&mut follow(&other, &kept).await, "after").await, [GAP, "after"]);
}

/// The connection stays, and the counter is ahead of what the node published.
#[tokio::test]
async fn a_node_without_subscribers_notices_that_its_server_was_a_replica_meanwhile() {
    let options = ["--repl-diskless-sync-delay", "0"];
    let Some(redis) = RedisServer::with_options(&options) else { return };
    let Some(second) = RedisServer::with_options(&options) else { return };
    let replicate = async |replica: &RedisServer, primary: &RedisServer, events: &str| {
        replica.command(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
        while replica.command("XLEN sse:{t}:s") != events {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        replica.command("REPLICAOF NO ONE");
    };
    let log = node(&redis);
    let kept = append(&log, one()).await;
    replicate(&second, &redis, ":1").await;
    append(&log, one()).await;
    let stranger = node(&second);
    for _ in 0..3 {
        append(&stranger, one()).await;
    }
    replicate(&redis, &second, ":4").await;
    // The answer to the first one shows that another event is before it, and the second one looks.
    append(&log, one()).await;
    let last = append(&log, one()).await;
    let late = node(&redis);
    assert_eq!(Reader::new(&late, kept).await.until(last).await, [-1000, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn two_losses_in_a_row_are_one_gap_or_two_and_never_none() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (one, other) = (hub(&redis), hub(&redis));
    let kept = publish(&one, "kept").await;
    let mut ids = vec![kept];
    for round in ["first", "second"] {
        let file = File::copy(&mut redis);
        for number in 0..3 {
            publish(&one, &format!("lost {round} {number}")).await;
        }
        file.restore(&mut redis);
        ids.push(publish(&one, &format!("after {round}")).await);
    }
    let told = data_until(&mut follow(&other, &ids[0]).await, "after second").await;
    assert_eq!(told.first().map(String::as_str), Some(GAP), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("after second"));
    let told = data_until(&mut follow(&other, &ids[1]).await, "after second").await;
    assert_eq!(told, [GAP, "after second"]);
}

/// Another node appends before any node has noticed the loss: what a node knows is looked for
/// together with each page.
#[tokio::test]
async fn no_page_crosses_a_loss_of_what_its_node_knows() {
    let Some(mut redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let mut kept = append(&log, one()).await;
    for emptied in [false, true] {
        let file = File::copy(&mut redis);
        let mut lost = kept;
        for _ in 0..4 {
            lost = append(&log, one()).await;
        }
        if emptied {
            redis.command("FLUSHALL");
        } else {
            file.restore(&mut redis);
        }
        let stranger = node(&redis);
        let mut after = kept;
        for _ in 0..6 {
            after = append(&stranger, one()).await;
        }
        let read = |after: After| {
            let log = &log;
            async move {
                loop {
                    match log.read("t", after, ALL).await {
                        Ok(page) => return page,
                        Err(error) => assert!(matches!(error, LogError::Unavailable { .. }), "{error:?}"),
                    }
                }
            }
        };
        let page = read(kept.into()).await;
        assert_eq!((page.gap, page.events.len()), (Some(Gap::UNKNOWN), 6), "{emptied}");
        // As a subscriber that fell off the tail before the loss: its number was given again.
        let number = if emptied { 3 } else { lost.number - 1 };
        let page = read(After::Number { number, until: lost }).await;
        assert_eq!((page.gap, page.events.len()), (Some(Gap::UNKNOWN), 6), "{emptied}: by number");
        kept = after;
    }
}

#[tokio::test]
async fn an_id_of_an_event_that_is_not_there_is_a_gap_whatever_became_of_it() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    let first = append(&log, one()).await;
    let last = append(&log, one()).await;
    let stranger = node(&redis);
    let gone = |place: Place| {
        let stranger = &stranger;
        async move {
            loop {
                match stranger.locate("t", &place.to_string()).await {
                    Ok(located) => return matches!(located, Located::Gone { .. }),
                    Err(error) => assert!(matches!(error, LogError::Unavailable { .. }), "{error:?}"),
                }
            }
        }
    };
    let others = [
        ("ahead", Place::new(last.stamp + 9, 7)),
        ("ahead by number", Place::new(last.stamp, 3)),
        ("ahead by stamp", Place::new(last.stamp + 1, 2)),
        ("another stamp", Place::new(first.stamp + 1, 1)),
        ("an older stamp", Place::new(first.stamp - 1, 1)),
        ("no stamp", Place::new(0, 1)),
    ];
    for state in ["whole", "trimmed", "without its stream", "emptied"] {
        for (what, place) in others {
            assert!(gone(place).await, "{state}: {what}");
        }
        redis.command(match state {
            "whole" => "XTRIM sse:{t}:s MAXLEN 1",
            "trimmed" => "DEL sse:{t}:s",
            "without its stream" => "FLUSHALL",
            _ => "PING",
        });
        assert_eq!(gone(first).await, state != "whole", "{state}, and then less: the second one is gone");
    }
    assert!(gone(last).await);
}
