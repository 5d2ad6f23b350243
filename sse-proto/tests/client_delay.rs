//! Tests of the delay before a reconnection, as the policy computes it: backoff, `retry`, jitter.

#[path = "client/mod.rs"]
mod client;

use std::time::Duration;

use client::{millis, policy, secs};
use proptest::prelude::*;
use sse_proto::{Jitter, ReconnectPolicy};

fn delays(policy: &ReconnectPolicy, retry: Option<Duration>) -> Vec<Duration> {
    (1..=7).map(|attempt| policy.delay(attempt, retry, None, 0)).collect()
}

// 9.2.3, step 3: exponential backoff after failed attempts.
#[test]
fn the_wait_before_a_reconnection_doubles_up_to_its_maximum() {
    assert_eq!(delays(&policy(), None), [1, 2, 4, 8, 16, 30, 30].map(secs));
    let slow = policy().with_initial(secs(60));
    assert_eq!(delays(&slow, None), [60; 7].map(secs), "an initial wait above the maximum stands");
    let tripling = policy().with_factor(3);
    assert_eq!(delays(&tripling, None), [1, 3, 9, 27, 30, 30, 30].map(secs));
}

#[test]
fn a_factor_of_one_or_zero_keeps_the_wait_constant() {
    for factor in [0, 1] {
        assert_eq!(delays(&policy().with_factor(factor), None), [1; 7].map(secs));
    }
}

// 9.2.6: `retry` sets the reconnection time.
#[test]
fn a_retry_field_replaces_the_initial_wait() {
    assert_eq!(delays(&policy(), Some(secs(5))), [5, 10, 20, 30, 30, 30, 30].map(secs));
    assert_eq!(delays(&policy(), Some(secs(90))), [90; 7].map(secs), "above the maximum it stands");
}

#[test]
fn a_retry_field_is_bounded_by_retry_min_and_retry_max() {
    let first = |policy: ReconnectPolicy, retry| policy.delay(1, Some(retry), None, 0);
    assert_eq!(first(policy(), Duration::ZERO), millis(10));
    assert_eq!(first(policy(), Duration::MAX), secs(3600));
    let reversed = policy().with_retry_min(secs(9)).with_retry_max(secs(4));
    assert_eq!(first(reversed, secs(6)), secs(4), "reversed bounds do not panic");
}

// 9.2.2: the reconnection time is initially "a value on the order of a few seconds".
#[test]
fn browsers_wait_three_seconds() {
    assert_eq!(delays(&ReconnectPolicy::browser(), None), [3; 7].map(secs));
    assert_eq!(delays(&ReconnectPolicy::browser(), Some(secs(7))), [7; 7].map(secs));
    assert_eq!(ReconnectPolicy::browser().delay(3, None, None, u64::MAX), secs(3));
    assert_eq!(delays(&ReconnectPolicy::browser(), Some(secs(1))), [1; 7].map(secs), "it does not grow");
    let growing = ReconnectPolicy::browser().with_factor(2);
    assert_eq!(delays(&growing, Some(secs(1))), [1, 2, 3, 3, 3, 3, 3].map(secs), "or not beyond");
}

#[test]
fn jitter_also_spreads_clients_after_a_retry_after() {
    let spread = |jitter, retry, after| {
        let policy = policy().with_jitter(jitter);
        let delay = |random| policy.delay(1, retry, after, random).as_secs_f64().round();
        (delay(0), delay(u64::MAX))
    };
    for (retry, after) in [(Some(secs(100)), None), (None, Some(secs(100)))] {
        assert_eq!(spread(Jitter::None, retry, after), (100.0, 100.0));
        assert_eq!(spread(Jitter::Equal, retry, after), (100.0, 150.0));
        assert_eq!(spread(Jitter::Full, retry, after), (100.0, 200.0));
    }
}

#[test]
fn jitter_applies_when_retry_after_is_close_to_own_delay() {
    let policy = policy().with_jitter(Jitter::Equal);
    let spread = |after| [0, 1 << 63].map(|random| policy.delay(3, None, Some(after), random));
    // Their own wait is 4 s.
    for after in [millis(2001), secs(3), secs(4)] {
        assert_eq!(spread(after), [secs(4), secs(5)], "{after:?}");
    }
    assert_eq!(spread(secs(2)), [secs(4), secs(3)], "what jitter leaves is enough");
    assert_eq!(spread(secs(6)), [secs(6), millis(7500)]);
}

proptest! {
    #[test]
    fn jitter_shortens_the_policys_wait_and_lengthens_the_servers(
        jitter in prop_oneof![Just(Jitter::None), Just(Jitter::Equal), Just(Jitter::Full)],
        attempt in 1..100u32,
        retry in proptest::option::of(0..100_000u64),
        after in proptest::option::of(0..100u64),
        random: u64,
    ) {
        let (retry, after) = (retry.map(millis), after.map(secs));
        let plain = policy();
        let d = plain.delay(attempt, retry, after, random);
        prop_assert_eq!(d, plain.delay(attempt, retry, after, 0));
        let delay = plain.with_jitter(jitter).delay(attempt, retry, after, random);
        let span = match jitter { Jitter::None => secs(0), Jitter::Equal => d / 2, _ => d };
        if retry.is_some() || after.unwrap_or_default() > d - span {
            prop_assert!(d <= delay && delay <= d + span);
        } else {
            prop_assert!(d - span <= delay && delay <= d);
        }
        prop_assert!(delay >= after.unwrap_or_default(), "Retry-After is a lower bound");
        prop_assert!(delay >= retry.unwrap_or_default(), "and so is the reconnection time");
    }

    #[test]
    fn the_delay_arithmetic_never_overflows(
        initial: Duration, max: Duration, factor: u32, retry_min: Duration, retry_max: Duration, attempt: u32,
        retry: Option<Duration>, after: Option<Duration>, random: u64,
    ) {
        for jitter in [Jitter::None, Jitter::Equal, Jitter::Full] {
            let policy = policy().with_initial(initial).with_max(max).with_factor(factor).with_jitter(jitter).with_retry_min(retry_min).with_retry_max(retry_max);
            let _ = policy.delay(attempt, retry, after, random);
        }
    }
}
