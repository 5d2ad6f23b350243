//! Tests of the writing thread: publishers that leave, runtimes that end, an engine that fails.

use std::sync::atomic::AtomicBool;

use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::log::Health;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Clocks that both read `now`.
fn clocks(now: impl Fn() -> u64 + Send + Sync + 'static) -> Clocks {
    let now = Arc::new(now);
    Clocks { day: now.clone(), steady: now }
}

#[test]
fn results_and_events_that_wait_when_their_runtime_ends_are_delivered() {
    let directory = directory();
    let log = Arc::new(open(directory.path()));
    let (followers, publishers) = (runtime(), runtime());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let feed = {
        let seen = Arc::clone(&seen);
        Feed::new(move |update| seen.lock().unwrap().push(update))
    };
    let _following = followers.block_on(log.follow("t", feed)).unwrap();
    let publisher = Arc::clone(&log);
    let appended = publishers.spawn(async move { append(&publisher, "t", "x").await });
    publishers.block_on(async {
        while all(&log, "t").await.is_empty() {
            tokio::task::yield_now().await;
        }
        // The thread has passed on the results of the group before it does this.
        log.end("never", Duration::ZERO).await.unwrap();
        assert!(!appended.is_finished(), "its runtime does not run");
    });
    drop(followers);
    publishers.block_on(async {
        assert_eq!(appended.await.unwrap().number, 1);
        assert!(matches!(&seen.lock().unwrap()[..], [Update::Appended(events)] if events.len() == 1));
        log.close().await;
    });
}

#[tokio::test]
async fn appends_whose_publishers_are_gone_count_as_queued_until_they_are_written() {
    let directory = directory();
    let gate = Arc::new(Mutex::new(()));
    let clock = Arc::clone(&gate);
    let now = move || {
        drop(clock.lock().unwrap());
        1
    };
    let log = DiskLog::open_at(DiskConfig::new(directory.path()), clocks(now)).unwrap();
    let large = batch([vec![b'x'; 40 << 20]]);
    let refused = {
        let _closed = gate.lock().unwrap();
        assert_eq!(log.append("t", batch(["x"])).now_or_never(), None, "the thread waits for the clock");
        [(); 3].map(|()| log.append("t", large.clone()).now_or_never())
    };
    assert!(matches!(refused, [None, None, Some(Err(AppendError::Busy { .. }))]), "{refused:?}");
    // The thread has written, or refused, all of them before it does this.
    log.end("never", Duration::ZERO).await.unwrap();
    assert_eq!(append(&log, "t", "y").await.number, 2);
    log.close().await;
}

#[tokio::test]
async fn a_repeated_batch_may_be_the_one_after_which_a_segment_is_begun() {
    let directory = directory();
    let config = DiskConfig::new(directory.path()).with_bytes(DiskConfig::LEAST_BYTES);
    for round in 0..30 {
        let log = DiskLog::open(config.clone()).unwrap();
        // The second segment is begun after a few of them.
        let bytes = if round < 2 { 225_000 } else { 3000 };
        let keyed = || batch([vec![b'x'; bytes]]).with_key(format!("{round}"));
        let first = log.append("t", keyed()).await.unwrap().first;
        log.close().await;
        // The active segment counts as larger now, by the journal's bookkeeping.
        let log = DiskLog::open(config.clone()).unwrap();
        assert_eq!(log.append("t", keyed()).await, Ok(Appended::before(first)));
        append(&log, "t", "next").await;
        log.close().await;
    }
}

#[tokio::test]
async fn an_engine_that_fails_is_reported_and_the_batch_in_its_hands_is_unknown() {
    let directory = directory();
    let fails = Arc::new(AtomicBool::new(false));
    let clock = Arc::clone(&fails);
    let now = move || if clock.load(Ordering::Relaxed) { panic!("a failure") } else { 1 };
    let log = DiskLog::open_at(DiskConfig::new(directory.path()), clocks(now)).unwrap();
    append(&log, "t", "x").await;
    assert_eq!(log.health(), Health::Ready);
    fails.store(true, Ordering::Relaxed);
    assert!(matches!(log.append("t", batch(["y"])).await, Err(AppendError::Unknown { .. })));
    let later = log.append("t", batch(["z"])).await;
    assert!(matches!(&later, Err(AppendError::Broken(why)) if why.contains("engine failed")), "{later:?}");
    assert!(matches!(log.health(), Health::Away(_)), "{:?}", log.health());
    log.close().await;
    let log = open(directory.path());
    assert_eq!(numbers(&all(&log, "t").await), [1]);
    log.close().await;
}
