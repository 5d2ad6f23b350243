//! A full disk: publishing is refused, no acknowledged event is lost, and publishing works again
//! when there is room.
//!
//! It needs a small file system of its own, and so root; otherwise the test is skipped with a
//! message.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::fs;
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

/// Appends until that is refused; returns how many events there are, and why.
async fn fill(log: &DiskLog, mut count: u64) -> (u64, AppendError) {
    loop {
        match log.append("t", batch(&format!("{} {}", count + 1, "x".repeat(10_000)))).await {
            Ok(appended) => assert_eq!(appended.first.number, count + 1),
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
