//! Clock for the head of a response.

use std::time::Duration;

use proto::Instant;

/// The clock of [`Config::head_timeout`](proto::Config::head_timeout): how long the head of a
/// response is awaited, in all requests of an attempt together.
///
/// It runs while a request is sent and while its head is awaited, and stands while a connection is
/// made, which has a limit of its own; without that limit it [runs](Self::run) then too.
///
/// ```
/// use std::time::Duration;
///
/// use sse_http::client::HeadClock;
/// use sse_http::proto::Instant;
///
/// let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
/// let mut clock = HeadClock::new(Some(Duration::from_secs(10)));
/// clock.run(at(5)); // the first request is sent
/// clock.stop(at(11)); // a redirect arrived: the next connection is made
/// assert_eq!(clock.left(at(20)), None);
/// clock.run(at(20));
/// assert_eq!(clock.left(at(21)), Some(Duration::from_secs(3)));
/// ```
#[derive(Clone, Debug)]
pub struct HeadClock {
    /// The time that was left when the clock last began to run; `None` without a limit.
    left: Option<Duration>,
    /// Since when the clock runs; `None` while it stands.
    since: Option<Instant>,
}

impl HeadClock {
    /// Creates a clock that stands; without a limit it never ends.
    pub fn new(limit: Option<Duration>) -> Self {
        Self { left: limit, since: None }
    }

    /// Lets the clock run from now on. Has no effect if it runs.
    pub fn run(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Stops the clock. Has no effect if it stands.
    pub fn stop(&mut self, now: Instant) {
        if let Some(left) = self.left(now) {
            self.left = Some(left);
        }
        self.since = None;
    }

    /// Whether the clock runs.
    pub fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// The time that is left, zero at the end; `None` without a limit, or while the clock stands
    /// before its end.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        match (self.left?, self.since) {
            (left, Some(since)) => Some(left.saturating_sub(now.saturating_duration_since(since))),
            (left, None) => left.is_zero().then_some(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn the_time_in_which_the_clock_stands_does_not_count() {
        let mut clock = HeadClock::new(Some(Duration::from_secs(10)));
        assert_eq!((clock.left(at(50)), clock.is_running()), (None, false));
        clock.run(at(100));
        clock.run(at(103));
        assert_eq!(clock.left(at(104)), Some(Duration::from_secs(6)), "since the first call");
        clock.stop(at(104));
        clock.stop(at(108));
        assert_eq!((clock.left(at(200)), clock.is_running()), (None, false));
        clock.run(at(200));
        assert_eq!(clock.left(at(205)), Some(Duration::from_secs(1)));
        assert_eq!(clock.left(at(300)), Some(Duration::ZERO));
        clock.stop(at(300));
        assert_eq!((clock.left(at(400)), clock.is_running()), (Some(Duration::ZERO), false), "over for good");
    }

    #[test]
    fn a_clock_without_a_limit_never_ends() {
        let mut clock = HeadClock::new(None);
        clock.run(at(0));
        assert_eq!((clock.left(at(1 << 40)), clock.is_running()), (None, true));
        clock.stop(at(1 << 40));
        assert!(!clock.is_running());
    }
}
