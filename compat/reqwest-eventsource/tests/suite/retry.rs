//! Tests of the retry policies: number of retries, delays, and that no setting and no server makes
//! them panic.

use std::time::Duration;

use reqwest_eventsource::Error;
use reqwest_eventsource::retry::{Constant, ExponentialBackoff, Never, RetryPolicy};

const SECOND: Duration = Duration::from_secs(1);

/// The delays that a policy gives one after the other, five at most.
fn delays(policy: &impl RetryPolicy) -> Vec<Duration> {
    let mut last = None;
    let mut delays = Vec::new();
    while let Some(delay) = policy.retry(&Error::StreamEnded, last).filter(|_| delays.len() < 5) {
        delays.push(delay);
        last = Some((delays.len(), delay));
    }
    delays
}

#[test]
fn max_retries_is_the_number_of_retries() {
    for retries in 0..4 {
        let backoff = ExponentialBackoff::new(SECOND, 2., None, Some(retries));
        assert_eq!(delays(&backoff).len(), retries);
        assert_eq!(delays(&Constant::new(SECOND, Some(retries))).len(), retries);
    }
    assert_eq!(delays(&Constant::new(SECOND, None)), [SECOND; 5]);
    assert!(delays(&Never).is_empty());
}

#[test]
fn the_backoff_grows_by_its_factor_up_to_its_maximum() {
    let backoff = ExponentialBackoff::new(SECOND, 2., Some(5 * SECOND), None);
    assert_eq!(delays(&backoff), [1, 2, 4, 5, 5].map(Duration::from_secs));
    let unbounded = ExponentialBackoff { max_duration: None, factor: 3., ..backoff };
    assert_eq!(delays(&unbounded), [1, 3, 9, 27, 81].map(Duration::from_secs));
}

#[test]
fn a_factor_that_leads_to_no_duration_gives_the_longest() {
    for factor in [f64::NAN, f64::INFINITY, -2., 1e300] {
        let backoff = ExponentialBackoff::new(SECOND, factor, Some(5 * SECOND), Some(2));
        assert_eq!(delays(&backoff), [SECOND, 5 * SECOND]);
        let unbounded = ExponentialBackoff { max_duration: None, ..backoff };
        assert_eq!(delays(&unbounded), [SECOND, Duration::MAX]);
    }
}

#[test]
fn the_reconnection_time_of_a_server_is_taken_within_bounds() {
    let cases = [
        (Duration::ZERO, Duration::from_millis(10)),
        (Duration::from_millis(50), Duration::from_millis(50)),
        (7 * SECOND, 7 * SECOND),
        (Duration::MAX, 3600 * SECOND),
    ];
    for (sent, taken) in cases {
        let mut backoff = ExponentialBackoff::new(SECOND, 2., Some(5 * SECOND), None);
        backoff.set_reconnection_time(sent);
        assert_eq!((backoff.start, backoff.max_duration), (taken, Some(taken.max(5 * SECOND))));
        let mut constant = Constant::new(SECOND, None);
        constant.set_reconnection_time(sent);
        assert_eq!(constant.delay, taken);
        let mut unbounded = ExponentialBackoff::new(SECOND, 2., None, None);
        unbounded.set_reconnection_time(sent);
        assert_eq!((unbounded.start, unbounded.max_duration), (taken, None));
    }
}
