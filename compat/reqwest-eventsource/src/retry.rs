//! Policies that decide when to reconnect.

use std::time::Duration;

use crate::Error;

/// Decides after each [`enum@Error`] whether and when the source reconnects.
pub trait RetryPolicy {
    /// How long to wait before the request is sent again; `None` closes the source.
    ///
    /// `last_retry` is the number of retries in a row that led to no event, and the delay before
    /// the last of them; `None` if there was no such retry. The count starts again after an event,
    /// and after a connection that was open for a minute.
    fn retry(&self, error: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration>;

    /// Takes the reconnection time that the server set, as it was sent.
    fn set_reconnection_time(&mut self, duration: Duration);
}

/// Bounds the reconnection time of a server to the range that the policies of this module accept.
///
/// The server chooses the time; the bounds keep it from causing a busy loop, or an endless wait.
fn bounded(time: Duration) -> Duration {
    time.clamp(Duration::from_millis(10), Duration::from_secs(60 * 60))
}

/// Whether the last retry was the last one that `max_retries` allows.
fn exhausted(max_retries: Option<usize>, last_retry: Option<(usize, Duration)>) -> bool {
    max_retries.is_some_and(|max| last_retry.map_or(0, |(retries, _)| retries) >= max)
}

/// A [`RetryPolicy`] whose delay grows by a factor.
#[derive(Clone, Debug)]
pub struct ExponentialBackoff {
    /// The first delay.
    pub start: Duration,
    /// The factor by which each further retry multiplies the delay.
    pub factor: f64,
    /// The longest delay; `None` for no limit.
    pub max_duration: Option<Duration>,
    /// How many retries in a row may lead to no event; `None` for no limit.
    pub max_retries: Option<usize>,
}

impl ExponentialBackoff {
    /// Creates a policy with these settings.
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
    /// The delay before each retry.
    pub delay: Duration,
    /// How many retries in a row may lead to no event; `None` for no limit.
    pub max_retries: Option<usize>,
}

impl Constant {
    /// Creates a policy with these settings.
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

/// The default policy of an [`EventSource`](crate::EventSource): 300 ms, doubled up to 5 s, without
/// a limit of retries.
pub const DEFAULT_RETRY: ExponentialBackoff =
    ExponentialBackoff::new(Duration::from_millis(300), 2., Some(Duration::from_secs(5)), None);
