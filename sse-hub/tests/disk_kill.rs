//! A process that publishes to a log on disk is repeatedly killed at a random moment:
//! acknowledged events are there, in order, and a reader resumes across every restart without a
//! gap.
//!
//! `SSE_KILL_ROUNDS=50 cargo test -p sse-hub --features disk --test disk_kill -- --nocapture` runs
//! more rounds than the few by default; `SSE_KILL_SEED` sets where they begin.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use sse_hub::disk::{DiskConfig, DiskLog};
use sse_hub::{Amount, Batch, Log, NewEvent, Place};

/// Small, so that segments are begun and dropped, and the journal is emptied, while the process is
/// killed.
const BYTES: u64 = DiskConfig::LEAST_BYTES;

const DIRECTORY: &str = "SSE_KILL_DIRECTORY";

const TOPICS: u64 = 3;

fn open(path: &Path) -> DiskLog {
    DiskLog::open(DiskConfig::new(path).with_bytes(BYTES)).unwrap()
}

/// What a publisher publishes the `turn`th time: 1 to 3 events, none like another.
fn events(process: u32, publisher: u64, turn: u64) -> Vec<String> {
    let event = |at| format!("{process}-{publisher}-{turn}-{at} {}", "x".repeat((turn % 50 * 40) as usize));
    (0..=turn % 3).map(event).collect()
}

/// The process that is killed. It says what was acknowledged: topic, first number and stamp,
/// publisher, turn.
#[test]
#[ignore = "started by the other test"]
fn publish_until_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let log = Arc::new(open(Path::new(&directory)));
        let publishers = (0..8).map(|publisher| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for turn in 0.. {
                    let topic = format!("t{}", publisher % TOPICS);
                    let events = events(std::process::id(), publisher, turn);
                    let events =
                        events.into_iter().map(|bytes| NewEvent { id: None, bytes: Bytes::from(bytes) });
                    let batch = Batch { events: events.collect(), key: None };
                    let Place { stamp, number, .. } = log.append(&topic, batch).await.unwrap().first;
                    let line = format!("ack {topic} {number} {stamp} {publisher} {turn}\n");
                    io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        });
        for publisher in publishers.collect::<Vec<_>>() {
            publisher.await.unwrap();
        }
    });
}

type Acknowledged = BTreeMap<(String, u64), (u64, String)>;

/// Runs the process until it has acknowledged enough events, kills it, and collects these events.
fn publish_and_kill(directory: &Path, acknowledgements: u64, acknowledged: &mut Acknowledged) {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "publish_until_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap());
    let mut count = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() == 0 {
            break;
        }
        let Some(words) = line.strip_suffix('\n').and_then(|line| line.strip_prefix("ack ")) else {
            continue;
        };
        let words: Vec<&str> = words.split(' ').collect();
        let [topic, number, stamp, publisher, turn] = words[..] else { panic!("{line:?}") };
        let [number, stamp, publisher, turn] =
            [number, stamp, publisher, turn].map(|word| word.parse().unwrap());
        for (at, event) in events(process.id(), publisher, turn).into_iter().enumerate() {
            let before = acknowledged.insert((topic.to_owned(), number + at as u64), (stamp, event));
            assert_eq!(before, None, "a number was given twice: {line}");
        }
        count += 1;
        if count == acknowledgements {
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
    assert!(count >= acknowledgements, "it ended by itself");
}

/// Checks a topic, and returns where a reader is that has read it to its end.
async fn check(log: &DiskLog, topic: &str, acknowledged: &Acknowledged, reader: Place) -> Place {
    let extent = log.open(topic, Amount::NONE).await.unwrap();
    let amount = Amount { events: 100, bytes: 1 << 20 };
    let (mut kept, mut after) = (BTreeMap::new(), extent.start);
    while after.number < extent.last.number {
        let page = log.read(topic, after.into(), amount).await.unwrap();
        assert_eq!(page.gap, None);
        for event in page.events {
            assert!(after.is_followed_by(event.place()), "{after} {}", event.place());
            after = event.place();
            kept.insert(after.number, (after.stamp, String::from_utf8(event.bytes().to_vec()).unwrap()));
        }
    }
    assert_eq!(after, extent.last);
    let of_topic =
        acknowledged.range((topic.to_owned(), extent.start.number + 1)..=(topic.to_owned(), u64::MAX));
    for ((_, number), event) in of_topic {
        assert_eq!(kept.get(number), Some(event), "{topic} {number} was acknowledged");
    }
    if reader.number >= extent.start.number {
        let page = log.read(topic, reader.into(), amount).await.unwrap();
        assert_eq!((page.gap, page.after.number), (None, reader.number), "it resumes without a gap");
    }
    extent.last
}

#[test]
fn acknowledged_events_survive_kill_9_at_any_moment() {
    let rounds = env::var("SSE_KILL_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let mut random: u64 = env::var("SSE_KILL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut acknowledged, mut readers) = (Acknowledged::new(), [Place::default(); TOPICS as usize]);
    for round in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        publish_and_kill(directory.path(), 1 + (random >> 33) % 1500, &mut acknowledged);
        runtime.block_on(async {
            let log = open(directory.path());
            for (at, reader) in readers.iter_mut().enumerate() {
                *reader = check(&log, &format!("t{at}"), &acknowledged, *reader).await;
            }
            log.close().await;
        });
        println!("round {}: {} events acknowledged, 0 lost", round + 1, acknowledged.len());
    }
}
