//! Points in time, and the bridge to the clock of `std`.

use std::time::{Duration, Instant as StdInstant};

use sse_proto::{Epoch, Instant};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn arithmetic_saturates() {
    let mut at = Instant::from_epoch(SECOND);
    at += SECOND;
    assert_eq!(at, Instant::ZERO + 2 * SECOND);
    assert_eq!(at.since_epoch(), 2 * SECOND);
    assert_eq!(at.saturating_duration_since(Instant::from_epoch(SECOND)), SECOND);
    assert_eq!(Instant::ZERO.saturating_duration_since(at), Duration::ZERO);
    at += Duration::MAX;
    assert_eq!(at + SECOND, Instant::from_epoch(Duration::MAX));
}

#[test]
fn an_epoch_converts_both_ways() {
    let start = StdInstant::now();
    let epoch = Epoch::at(start);
    assert_eq!(epoch.instant(start + SECOND), Instant::from_epoch(SECOND));
    assert_eq!(epoch.to_std(Instant::from_epoch(SECOND)), Some(start + SECOND));
    assert_eq!(Epoch::at(start + SECOND).instant(start), Instant::ZERO, "what lies before is the epoch");
    assert_eq!(epoch.to_std(Instant::from_epoch(Duration::MAX)), None, "no clock goes so far ahead");
}

#[test]
fn an_epoch_reads_the_clock() {
    let before = StdInstant::now();
    let epoch = Epoch::default();
    let after = StdInstant::now();
    let start = epoch.to_std(Instant::ZERO).unwrap();
    assert!((before..=after).contains(&start));
    let past = Epoch::at(StdInstant::now());
    let now = past.instant(StdInstant::now());
    assert!(past.now() >= now);
    // The earliest time of the clock: some time has passed since.
    let long_ago = (0..64).rev().find_map(|power| before.checked_sub(Duration::from_nanos(1 << power)));
    assert!(Epoch::at(long_ago.unwrap()).now() > Instant::ZERO);
}
