//! When to reconnect.

use std::time::Duration;

use crate::Error;

/// Decides after each [`enum@Error`] of a connection whether and when the next is made.
pub trait RetryPolicy {
    /// How long to wait before the request is sent again; `None` closes the source.
    ///
    /// `last_retry` is the number of retries in a row that led to no event, and the delay before
    /// the last of them; `None` if there was none. An event starts the count again, and so does a
    /// connection that was open for a minute.
    fn retry(&self, error: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration>;

    /// Takes the reconnection time that the server set, as it was sent.
    fn set_reconnection_time(&mut self, duration: Duration);
}

/// The reconnection times that the policies of this module take from a server; what is beyond is
/// moved to the bound.
///
/// The time is the server's choice, and these bounds keep it from making a client busy, or putting
/// it to sleep for good.
fn bounded(time: Duration) -> Duration {
    time.clamp(Duration::from_millis(10), Duration::from_secs(60 * 60))
}

/// Whether `max_retries` have been made.
fn exhausted(max_retries: Option<usize>, last_retry: Option<(usize, Duration)>) -> bool {
    max_retries.is_some_and(|max| last_retry.map_or(0, |(retries, _)| retries) >= max)
}

/// A [`RetryPolicy`] whose delay grows by a factor.
#[derive(Clone, Debug)]
pub struct ExponentialBackoff {
    /// The first delay.
    pub start: Duration,
    /// What each further retry multiplies the delay by.
    pub factor: f64,
    /// The longest delay; `None` for no limit.
    pub max_duration: Option<Duration>,
    /// How many retries in a row may lead to no event; `None` for no limit.
    pub max_retries: Option<usize>,
}

impl ExponentialBackoff {
    /// A policy with these settings.
    pub const fn new(
        start: Duration,
        factor: f64,
        max_duration: Option<Duration>,
        max_retries: Option<usize>,
    ) -> Self {
        Self { start, factor, max_duration, max_retries }
    }
}

impl RetryPolicy for ExponentialBackoff {
    fn retry(&self, _error: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration> {
        if exhausted(self.max_retries, last_retry) {
            return None;
        }
        let Some((_, last)) = last_retry else { return Some(self.start) };
        let max = self.max_duration.unwrap_or(Duration::MAX);
        // `mul_f64` would panic at what no duration can express.
        Some(
            Duration::try_from_secs_f64(last.as_secs_f64() * self.factor).map_or(max, |delay| delay.min(max)),
        )
    }

    fn set_reconnection_time(&mut self, duration: Duration) {
        self.start = bounded(duration);
        self.max_duration = self.max_duration.map(|max| max.max(self.start));
    }
}

/// A [`RetryPolicy`] with one delay.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The delay.
    pub delay: Duration,
    /// How many retries in a row may lead to no event; `None` for no limit.
    pub max_retries: Option<usize>,
}

impl Constant {
    /// A policy with these settings.
    pub const fn new(delay: Duration, max_retries: Option<usize>) -> Self {
        Self { delay, max_retries }
    }
}

impl RetryPolicy for Constant {
    fn retry(&self, _error: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration> {
        (!exhausted(self.max_retries, last_retry)).then_some(self.delay)
    }

    fn set_reconnection_time(&mut self, duration: Duration) {
        self.delay = bounded(duration);
    }
}

/// A [`RetryPolicy`] that never retries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

impl RetryPolicy for Never {
    fn retry(&self, _error: &Error, _last_retry: Option<(usize, Duration)>) -> Option<Duration> {
        None
    }

    fn set_reconnection_time(&mut self, _duration: Duration) {}
}

/// The policy of an [`EventSource`](crate::EventSource) that was given none: 300 ms, doubled up to
/// 5 s, without end.
pub const DEFAULT_RETRY: ExponentialBackoff =
    ExponentialBackoff::new(Duration::from_millis(300), 2., Some(Duration::from_secs(5)), None);
