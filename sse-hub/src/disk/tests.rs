//! Tests of the log on disk, beyond those that every log has to pass.

mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::directory::bytes_on_disk;
use super::time::Clocks;
use super::{DiskConfig, DiskError, DiskLog};
use crate::log::{Amount, AppendError, Appended, Batch, Feed, Located, Log, NewEvent, Stored, Update};
use crate::{Gap, Place};

const ALL: Amount = Amount { events: usize::MAX, bytes: usize::MAX };

/// A temporary directory, in memory if possible, because these tests often wait for the disk.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn open(path: &Path) -> DiskLog {
    DiskLog::open(DiskConfig::new(path).with_bytes(64 << 20)).unwrap()
}

/// Opens a log whose time of day is `time`, as is its steady clock.
fn open_at(path: &Path, time: &Arc<AtomicU64>) -> DiskLog {
    open_with(path, time, time)
}

/// Opens a log with these clocks: the time of day, and a steady clock.
fn open_with(path: &Path, day: &Arc<AtomicU64>, steady: &Arc<AtomicU64>) -> DiskLog {
    let clock = |time: &Arc<AtomicU64>| -> super::time::Clock {
        let time = Arc::clone(time);
        Arc::new(move || time.load(Ordering::Relaxed))
    };
    DiskLog::open_at(DiskConfig::new(path), Clocks { day: clock(day), steady: clock(steady) }).unwrap()
}

fn batch<T: AsRef<[u8]>>(events: impl IntoIterator<Item = T>) -> Batch {
    let events =
        events.into_iter().map(|bytes| NewEvent { id: None, bytes: Bytes::copy_from_slice(bytes.as_ref()) });
    Batch { events: events.collect(), key: None }
}

async fn append(log: &DiskLog, topic: &str, event: &str) -> Place {
    log.append(topic, batch([event])).await.unwrap().first
}

async fn all(log: &DiskLog, topic: &str) -> Vec<Stored> {
    let mut events = Vec::new();
    let mut after = Place::default();
    loop {
        let page = log.read(topic, after.into(), Amount { events: 1000, bytes: 1 << 20 }).await.unwrap();
        let Some(last) = page.events.last() else { return events };
        after = last.place();
        events.extend(page.events);
    }
}

fn numbers(events: &[Stored]) -> Vec<u64> {
    events.iter().map(|event| event.place().number).collect()
}

#[tokio::test]
async fn a_reopened_log_has_its_events_and_continues_their_numbers() {
    let directory = directory();
    let log = open(directory.path());
    let first = log.append("a", batch(["1", "2"])).await.unwrap().first;
    append(&log, "b", "other").await;
    log.close().await;
    assert!(matches!(log.append("a", batch(["x"])).await, Err(AppendError::Broken(_))));
    assert!(log.read("a", first.into(), ALL).await.is_err());

    let log = open(directory.path());
    let third = append(&log, "a", "3").await;
    assert!(third.number == 3 && third.stamp > first.stamp, "{third:?}");
    let events = all(&log, "a").await;
    assert_eq!(events.iter().map(Stored::bytes).collect::<Vec<_>>(), [b"1", b"2", b"3"]);
    assert_eq!([events[0].place(), events[1].place(), events[2].place()], [first, first.plus(1), third]);
    log.close().await;
}

#[tokio::test]
async fn a_log_that_is_open_is_refused_until_it_is_closed() {
    let directory = directory();
    let log = open(directory.path());
    let second = DiskLog::open(DiskConfig::new(directory.path()));
    assert!(matches!(second, Err(DiskError::InUse { .. })));
    log.close().await;
    open(directory.path()).close().await;
}

#[tokio::test]
async fn stamps_never_go_back_even_if_the_clock_does() {
    let directory = directory();
    let time = Arc::new(AtomicU64::new(0));
    let mut stamps = Vec::new();
    for (reopen, now) in [(true, 1000), (false, 500), (false, 2000), (true, 3), (false, 2010), (false, 5000)]
    {
        time.store(now, Ordering::Relaxed);
        let log = open_at(directory.path(), &time);
        if reopen {
            stamps.push(append(&log, "t", "x").await.stamp);
        }
        stamps.push(append(&log, "u", "x").await.stamp);
        stamps.push(append(&log, "t", "x").await.stamp);
        log.close().await;
    }
    assert!(stamps.is_sorted_by(|one, next| one < next), "{stamps:?}");
    assert_eq!(stamps.last(), Some(&5002), "the second batch of that microsecond");
}

#[tokio::test]
async fn a_key_appends_once_also_after_a_restart() {
    let directory = directory();
    let log = open(directory.path());
    let keyed = |events: &[&str]| batch(events).with_key("key");
    let (one, two) = tokio::join!(log.append("t", keyed(&["a", "b"])), log.append("t", keyed(&["a", "b"])));
    let first = one.unwrap().first;
    assert_eq!(two, Ok(Appended::before(first)), "two at once append once");
    append(&log, "t", "c").await;
    log.close().await;
    let log = open(directory.path());
    assert_eq!(log.append("t", keyed(&["a", "b"])).await, Ok(Appended::before(first)));
    assert_eq!(log.append("t", keyed(&["ab"])).await, Err(AppendError::KeyReused));
    assert_eq!(log.append("u", keyed(&["ab"])).await.unwrap().first.number, 1, "a key belongs to its topic");
    assert_eq!(numbers(&all(&log, "t").await), [1, 2, 3]);
    log.close().await;
}

#[tokio::test]
async fn an_ended_topic_is_refused_for_a_while_also_after_a_restart() {
    let directory = directory();
    let time = Arc::new(AtomicU64::new(1_000_000));
    let log = open_at(directory.path(), &time);
    let old = append(&log, "t", "old").await;
    assert_eq!(log.end("t", Duration::from_secs(60)).await, Ok(true));
    assert_eq!(log.end("never", Duration::from_secs(60)).await, Ok(false));
    assert_eq!(log.append("t", batch(["x"])).await, Err(AppendError::Ended));
    log.close().await;

    time.fetch_add(59_000_000, Ordering::Relaxed);
    let log = open_at(directory.path(), &time);
    let extent = log.open("t", ALL).await.unwrap();
    assert_eq!((extent.ended, extent.newest.len()), (Some(Duration::from_secs(1)), 0));
    assert_eq!(log.append("t", batch(["x"])).await, Err(AppendError::Ended));
    time.fetch_add(1_000_000, Ordering::Relaxed);
    assert_eq!(log.topics(None, 10).await.unwrap(), [], "the name is free");
    let new = append(&log, "t", "new").await;
    assert_eq!(log.topics(None, 10).await.unwrap().len(), 1);
    assert!(new.number == 2 && new.stamp > old.stamp, "a place is given once: {new:?}");
    assert_eq!(numbers(&all(&log, "t").await), [2]);
    assert_eq!(log.locate("t", &old.to_string()).await, Ok(Located::After(old)));
    log.close().await;
}

#[tokio::test]
async fn setting_the_clock_makes_the_end_of_a_topic_no_longer() {
    const HOUR: u64 = 3_600_000_000;
    let directory = directory();
    let (day, steady) = (Arc::new(AtomicU64::new(10 * HOUR)), Arc::new(AtomicU64::new(0)));
    let open = || open_with(directory.path(), &day, &steady);
    let log = open();
    append(&log, "t", "old").await;
    assert_eq!(log.end("t", Duration::from_secs(60)).await, Ok(true));
    for set_to in [9 * HOUR, 11 * HOUR, 10 * HOUR] {
        day.store(set_to, Ordering::Relaxed);
        let left = log.open("t", ALL).await.unwrap().ended;
        assert_eq!(left, Some(Duration::from_secs(60)), "only the steady clock counts");
    }
    steady.fetch_add(20_000_000, Ordering::Relaxed);
    day.store(9 * HOUR, Ordering::Relaxed);
    assert_eq!(log.open("t", ALL).await.unwrap().ended, Some(Duration::from_secs(40)));
    log.close().await;

    // After a restart the time of day is one hour before the end.
    let log = open();
    assert_eq!(log.open("t", ALL).await.unwrap().ended, Some(Duration::from_secs(60)), "and no longer");
    assert_eq!(log.append("t", batch(["x"])).await, Err(AppendError::Ended));
    steady.fetch_add(60_000_000, Ordering::Relaxed);
    assert_eq!(log.open("t", ALL).await.unwrap().ended, None);
    append(&log, "t", "new").await;
    assert_eq!(log.end("t", Duration::from_secs(60)).await, Ok(true));
    log.close().await;

    day.store(11 * HOUR, Ordering::Relaxed);
    let log = open();
    append(&log, "t", "newer").await;
    assert_eq!(numbers(&all(&log, "t").await), [3], "a time in the past is over");
    log.close().await;
}

#[tokio::test]
async fn feeds_get_every_event_once_and_in_order_until_they_are_dropped() {
    let directory = directory();
    let log = Arc::new(open(directory.path()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let feed = {
        let seen = Arc::clone(&seen);
        Feed::new(move |update| {
            let Update::Appended(events) = update else { panic!("{update:?}") };
            seen.lock().unwrap().extend(numbers(&events));
        })
    };
    let following = log.follow("t", feed).await.unwrap();
    let publishers = (0..8).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for _ in 0..20 {
                log.append("t", batch(["a", "b"])).await.unwrap();
                append(&log, "u", "c").await;
            }
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.unwrap();
    }
    // The next group begins after the feeds got the last group.
    append(&log, "u", "c").await;
    assert_eq!(*seen.lock().unwrap(), (1..=320).collect::<Vec<_>>());
    drop(following);
    append(&log, "t", "a").await;
    append(&log, "u", "c").await;
    assert_eq!(seen.lock().unwrap().len(), 320);
    log.close().await;
}

fn disk_use(path: &Path) -> u64 {
    // The engine removes files in the meantime.
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(bytes_on_disk(&metadata) + if metadata.is_dir() { disk_use(&entry.path()) } else { 0 })
    });
    sizes.sum()
}

#[tokio::test]
async fn the_oldest_events_are_dropped_at_the_byte_limit_and_places_outlive_them() {
    const BYTES: u64 = DiskConfig::LEAST_BYTES;
    let directory = directory();
    let open = || DiskLog::open(DiskConfig::new(directory.path()).with_bytes(BYTES)).unwrap();
    let mut log = open();
    let quiet = append(&log, "quiet", "once").await;
    log.append(
        "named",
        Batch { events: vec![NewEvent { id: Some("mine".into()), bytes: "x".into() }], key: None },
    )
    .await
    .unwrap();
    let early = log.append("busy", batch([[b'x'; 1000]]).with_key("early")).await.unwrap().first;
    let mut most = 0;
    for round in 0..250 {
        log.append("busy", batch([[b'x'; 1000]; 100])).await.unwrap();
        most = most.max(disk_use(directory.path()));
        if round == 150 {
            log.close().await;
            log = open();
        }
    }
    log.close().await;
    let log = open();
    let used = disk_use(directory.path());
    assert!(most <= BYTES + BYTES / 5 && used >= BYTES - BYTES / 5, "{used}, {most} at most");

    let extent = log.open("busy", Amount { events: 3, bytes: 1 << 20 }).await.unwrap();
    assert_eq!(numbers(&extent.newest), [24_999, 25_000, 25_001]);
    let page = log.read("busy", early.into(), ALL).await.unwrap();
    assert_eq!((page.after, page.gap), (extent.start, Some(Gap::of(extent.start.number - 1))));
    assert_eq!(numbers(&page.events), (extent.start.number + 1..=25_001).collect::<Vec<_>>());
    let gone = Located::Gone { missed: Some(extent.start.number - 1), resume: extent.start };
    assert_eq!(log.locate("busy", &early.to_string()).await, Ok(gone));
    let start = extent.start;
    let foreign = Place::new(start.stamp - 1, start.number);
    let gap = Located::Gone { missed: None, resume: start };
    assert_eq!(
        log.locate("busy", &start.to_string()).await,
        Ok(Located::After(start)),
        "the last dropped event"
    );
    assert_eq!(log.locate("busy", &foreign.to_string()).await, Ok(gap), "no event had that place");
    let again = log.append("busy", batch([[b'x'; 1000]]).with_key("early")).await.unwrap();
    assert_eq!((again.first.number, again.repeated), (25_002, false), "a key goes with its events");

    assert_eq!(log.open("quiet", ALL).await.unwrap().last, quiet);
    assert_eq!(log.locate("quiet", &quiet.to_string()).await, Ok(Located::After(quiet)));
    assert!(matches!(log.locate("named", "mine").await, Ok(Located::After(Place { number: 1, .. }))));
    assert_eq!(append(&log, "quiet", "again").await.number, 2);
    assert_eq!(numbers(&log.read("quiet", quiet.into(), ALL).await.unwrap().events), [2]);
    log.close().await;
}

#[tokio::test]
async fn places_beyond_the_limit_are_forgotten_oldest_first_and_the_newest_resumes_without_a_gap() {
    let directory = directory();
    let config = DiskConfig::new(directory.path()).with_bytes(DiskConfig::LEAST_BYTES).with_positions(2);
    let log = DiskLog::open(config).unwrap();
    let mut places = Vec::new();
    for topic in ["a", "b", "c", "d"] {
        places.push(append(&log, topic, "x").await);
    }
    while log.open("d", Amount::NONE).await.unwrap().start.number == 0 {
        log.append("busy", batch([[b'x'; 1000]; 100])).await.unwrap();
    }
    // The thread that writes has done everything that it does after a group before it takes the
    // next one.
    append(&log, "busy", "x").await;
    let mut located = Vec::new();
    for (topic, place) in ["a", "b", "c", "d"].into_iter().zip(&places) {
        located.push(matches!(log.locate(topic, &place.to_string()).await, Ok(Located::After(_))));
    }
    assert_eq!(located, [false, true, true, true]);
    let fresh = Place::new(places[3].stamp, 0);
    assert_eq!(log.locate("never", &fresh.to_string()).await, Ok(Located::After(fresh)));
    let again = append(&log, "a", "again").await;
    assert!(again.number == 1 && again.stamp > places[0].stamp, "{again:?}");
    assert_eq!(all(&log, "a").await.iter().map(Stored::bytes).collect::<Vec<_>>(), [b"again"]);
    log.close().await;
}

#[tokio::test]
async fn a_batch_that_could_never_be_read_whole_is_refused() {
    let directory = directory();
    let config = DiskConfig::new(directory.path()).with_bytes(DiskConfig::LEAST_BYTES);
    let log = DiskLog::open(config.clone()).unwrap();
    let large = log.append("t", batch([vec![b'x'; 1 << 20]])).await;
    assert!(matches!(large, Err(AppendError::TooLarge { bytes, .. }) if bytes == 256 << 10), "{large:?}");
    assert_eq!(all(&log, "t").await, []);
    log.close().await;
    assert!(matches!(DiskLog::open(config.with_bytes(1 << 20)), Err(DiskError::TooFewBytes { .. })));
}
