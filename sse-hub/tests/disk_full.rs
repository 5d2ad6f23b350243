//! A full disk: publishing is refused, no acknowledged event is lost, and publishing works again
//! when there is room.
//!
//! It needs a small file system of its own, and so root; otherwise the test is skipped with a
//! message.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use sse_hub::disk::{DiskConfig, DiskLog};
use sse_hub::{Amount, AppendError, Batch, Health, Log, NewEvent, Place};

/// A file system in memory of `bytes` bytes, until it is dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(bytes: u64) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(directory.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self(directory))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

fn open(path: &Path) -> DiskLog {
    DiskLog::open(DiskConfig::new(path)).unwrap()
}

fn batch(text: &str) -> Batch {
    Batch { events: vec![NewEvent { id: None, bytes: Bytes::from(text.to_owned()) }], key: None }
}

/// Appends a batch, as often as the log is too busy, which it is while a table is written.
async fn append(log: &DiskLog, topic: &str, batch: Batch) -> Result<Place, AppendError> {
    loop {
        match log.append(topic, batch.clone()).await {
            Ok(appended) => return Ok(appended.first),
            Err(AppendError::Busy { .. }) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error),
        }
    }
}

/// Appends until that is refused; returns how many events there are, and why.
async fn fill(log: &DiskLog, mut count: u64) -> (u64, AppendError) {
    loop {
        match append(log, "t", batch(&format!("{} {}", count + 1, "x".repeat(10_000)))).await {
            Ok(first) => assert_eq!(first.number, count + 1),
            Err(error) => return (count, error),
        }
        count += 1;
    }
}

async fn check(log: &DiskLog, count: u64) {
    let mut after = Place::default();
    for number in 1..=count {
        let page = log.read("t", after.into(), Amount { events: 1, bytes: 0 }).await.unwrap();
        assert_eq!(page.gap, None);
        after = page.events[0].place();
        assert_eq!(after.number, number);
        assert!(page.events[0].bytes().starts_with(format!("{number} ").as_bytes()));
    }
    assert_eq!(log.read("t", after.into(), Amount { events: 1, bytes: 0 }).await.unwrap().events, []);
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_works_again_when_there_is_room() {
    let Some(small) = Small::mount(32 << 20) else {
        eprintln!("SKIPPED: a_full_disk needs root, to mount a small file system");
        return;
    };
    let directory = small.0.path().join("data");
    let [ballast, rest] = ["ballast", "rest"].map(|name| small.0.path().join(name));
    fs::write(&ballast, vec![0; 8 << 20]).unwrap();

    let log = open(&directory);
    let (count, error) = fill(&log, 0).await;
    assert!(
        matches!(error, AppendError::Unavailable { retry_after } if retry_after > Duration::ZERO),
        "{error}"
    );
    assert!(matches!(log.health(), Health::Away(why) if why.contains("disk is full")));
    assert!(count > 100, "{count} events");
    check(&log, count).await;

    // Another program fills the disk to the last byte, also before the start.
    let written = std::io::copy(&mut std::io::repeat(0), &mut fs::File::create(&rest).unwrap());
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert!(matches!(fill(&log, count).await, (_, AppendError::Unavailable { .. })));
    log.close().await;
    let log = open(&directory);
    check(&log, count).await;
    assert!(matches!(fill(&log, count).await, (same, AppendError::Unavailable { .. }) if same == count));

    // Room again, without a restart.
    fs::remove_file(&ballast).unwrap();
    fs::remove_file(&rest).unwrap();
    assert_eq!(log.health(), Health::Ready);
    let (more, _) = fill(&log, count).await;
    assert!(more > count + 100, "{more} events");
    log.close().await;
    let log = open(&directory);
    check(&log, more).await;
    log.close().await;
}

/// Writes a file so large that about `left` bytes stay free.
fn occupy(file: &Path, left: u64) {
    fs::remove_file(file).ok();
    let stat = rustix::fs::statvfs(file.parent().unwrap()).unwrap();
    let free = (stat.f_bavail * stat.f_frsize).saturating_sub(left);
    // The engine writes at the same time, and may leave less room.
    std::io::copy(&mut std::io::repeat(0).take(free), &mut fs::File::create(file).unwrap()).ok();
}

#[tokio::test]
async fn a_segment_of_many_topics_is_dropped_when_the_disk_has_room_for_their_places() {
    // Where another program fills the disk while the engine writes a table, a restart is needed.
    // The test is this program, so it may have to try again.
    for _ in 0..3 {
        let Some(small) = Small::mount(64 << 20) else {
            eprintln!("SKIPPED: a_segment_of_many_topics needs root, to mount a small file system");
            return;
        };
        match drop_segments(&small).await {
            Ok(()) => return,
            Err(AppendError::Unknown { .. } | AppendError::Broken(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the log broke three times");
}

/// Drops segments of many topics on a disk that is nearly full.
async fn drop_segments(small: &Small) -> Result<(), AppendError> {
    const TOPICS: u64 = 2000;
    let directory = small.0.path().join("data");
    let ballast = small.0.path().join("ballast");
    let open = || DiskLog::open(DiskConfig::new(&directory).with_bytes(DiskConfig::LEAST_BYTES)).unwrap();
    let log = open();
    let name = |topic| format!("{topic}{}", "x".repeat(2000));
    for topic in 0..TOPICS {
        append(&log, &name(topic), batch("first")).await?;
    }
    // The places of the topics in one segment take more than this.
    let mut refused = 0;
    for round in 0..8 {
        occupy(&ballast, 1536 << 10);
        for topic in 0..TOPICS {
            match append(&log, &name(topic), batch(&format!("{round} {}", "x".repeat(100)))).await {
                Ok(_) => {}
                Err(AppendError::Unavailable { .. }) => refused += 1,
                Err(error) => return Err(error),
            }
        }
    }
    fs::remove_file(&ballast).unwrap();
    assert_eq!(log.health(), Health::Ready, "{refused} refused");
    for topic in 0..TOPICS {
        let extent = log.open(&name(topic), Amount { events: 1, bytes: 1000 }).await.unwrap();
        let next = append(&log, &name(topic), batch("last")).await?;
        assert_eq!(next.number, extent.last.number + 1);
    }
    log.close().await;
    open().close().await;
    Ok(())
}
