//! When to connect again: arithmetic on the attempt, the server's requests and random bits.

use core::time::Duration;

use crate::Instant;

/// How long to wait before the request is sent again, and when to stop trying; pure data.
///
/// The wait before attempt *n* is `initial * factor^(n-1)`, at most `max`; an `initial` above `max`
/// does not grow. A `retry` field of the server replaces `initial`. A `Retry-After` header is a
/// lower bound. [`delay`](Self::delay) is that arithmetic.
///
/// *n* counts the failed attempts in a row. It starts again
///
/// - after the first event of a connection,
/// - after a connection that received bytes, stayed open for at least
///   [`HEALTHY_END`](Self::HEALTHY_END) and ended cleanly: the server wants the client to come back
///   after the reconnection time (9.2.3),
/// - after a connection that was open for `healthy_after`, however it ended.
///
/// A 200 alone does not reset *n*, so the waits grow for a server that accepts and closes at once.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::ReconnectPolicy;
///
/// let policy = ReconnectPolicy::default().with_max_attempts(5);
/// assert_eq!(policy.delay(1, None, None, 0), Duration::from_secs(1));
/// assert_eq!(policy.delay(4, None, None, 0), Duration::from_secs(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReconnectPolicy {
    initial: Duration,
    max: Duration,
    factor: u32,
    jitter: Jitter,
    max_attempts: Option<u32>,
    max_elapsed: Option<Duration>,
    retry_min: Duration,
    retry_max: Duration,
    healthy_after: Duration,
}

/// How much of a wait is random, so that the clients of a restarted server do not all return at
/// once.
///
/// Jitter shortens only the policy's own wait. If the server requested the delay, jitter only
/// lengthens it: 9.2.3 demands at least the reconnection time, and `Retry-After` is a lower bound
/// too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// No randomness: the wait *d* as computed.
    None,
    /// Half of the wait *d* is random: between *d*/2 and *d*; between *d* and 3*d*/2 if the server
    /// requested the delay.
    #[default]
    Equal,
    /// All of the wait *d* is random: between 0 and *d*; between *d* and 2*d* if the server
    /// requested the delay.
    Full,
}

impl ReconnectPolicy {
    /// How long a connection has to be open, and have received bytes, for its clean end not to
    /// count as a failed attempt: 2 s.
    pub const HEALTHY_END: Duration = Duration::from_secs(2);

    /// No reconnection: the source closes when its first connection is lost.
    pub const fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::DEFAULT }
    }

    /// The policy of browsers: always 3 s, unless the server sets another time; no jitter, and no
    /// limit of attempts.
    pub const fn browser() -> Self {
        let initial = Duration::from_secs(3);
        Self { initial, max: initial, factor: 1, jitter: Jitter::None, ..Self::DEFAULT }
    }

    /// Sets the wait before the first reconnection, until the server sets a reconnection time
    /// (9.2.3). Default 1 s.
    #[must_use]
    pub const fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// Sets the longest wait that repeated failures lead to. Default 30 s.
    #[must_use]
    pub const fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets the factor by which each failed attempt multiplies the wait; 1 (or 0) for a constant
    /// wait. Default 2.
    #[must_use]
    pub const fn with_factor(mut self, factor: u32) -> Self {
        self.factor = factor;
        self
    }

    /// Sets how the waits of many clients are spread. Default [`Jitter::Equal`].
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how many attempts in a row may fail before the source closes; `None` for no limit.
    /// Default `None`.
    #[must_use]
    pub fn with_max_attempts(mut self, max_attempts: impl Into<Option<u32>>) -> Self {
        self.max_attempts = max_attempts.into();
        self
    }

    /// Sets for how long after the first failure in a row attempts may begin; `None` for no limit.
    /// Default `None`.
    #[must_use]
    pub fn with_max_elapsed(mut self, max_elapsed: impl Into<Option<Duration>>) -> Self {
        self.max_elapsed = max_elapsed.into();
        self
    }

    /// Sets the lower bound for the server's `retry`: with `retry: 0` the client would reconnect in
    /// a busy loop. Default 10 ms.
    #[must_use]
    pub const fn with_retry_min(mut self, retry_min: Duration) -> Self {
        self.retry_min = retry_min;
        self
    }

    /// Sets the upper bound for the server's `retry` and `Retry-After`. Default 1 h.
    #[must_use]
    pub const fn with_retry_max(mut self, retry_max: Duration) -> Self {
        self.retry_max = retry_max;
        self
    }

    /// Sets how long a connection without an event has to be open to count as a success, however it
    /// ends. Default 60 s.
    #[must_use]
    pub const fn with_healthy_after(mut self, healthy_after: Duration) -> Self {
        self.healthy_after = healthy_after;
        self
    }

    /// The wait before the first reconnection, until the server sets a reconnection time.
    pub const fn initial(&self) -> Duration {
        self.initial
    }

    /// The longest wait that repeated failures lead to.
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// The factor by which each failed attempt multiplies the wait.
    pub const fn factor(&self) -> u32 {
        self.factor
    }

    /// How the waits of many clients are spread.
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// How many attempts in a row may fail before the source closes; `None` for no limit.
    pub const fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// For how long after the first failure in a row attempts may begin; `None` for no limit.
    pub const fn max_elapsed(&self) -> Option<Duration> {
        self.max_elapsed
    }

    /// The lower bound for the server's `retry` (9.2.6).
    pub const fn retry_min(&self) -> Duration {
        self.retry_min
    }

    /// The upper bound for the server's `retry` (9.2.6) and `Retry-After`.
    pub const fn retry_max(&self) -> Duration {
        self.retry_max
    }

    /// How long a connection without an event has to be open to count as a success, however it
    /// ends.
    pub const fn healthy_after(&self) -> Duration {
        self.healthy_after
    }

    /// The wait before attempt number `attempt`, counted from 1.
    ///
    /// `retry` is the reconnection time that the server set, `retry_after` the time that the last
    /// response's `Retry-After` header requested, and `random` 64 random bits; 0 gives the wait
    /// without jitter.
    ///
    /// The wait is the longer of the policy's wait, which grows from `retry`, and `retry_after`.
    /// Jitter can shorten only the policy's own wait; a time that the server set is a lower bound.
    pub fn delay(
        &self,
        attempt: u32,
        retry: Option<Duration>,
        retry_after: Option<Duration>,
        random: u64,
    ) -> Duration {
        let base = self.reconnection_time(retry);
        let growth = self.factor.max(1).saturating_pow(attempt.saturating_sub(1));
        let own = base.saturating_mul(growth).min(self.max.max(base));
        let after = retry_after.unwrap_or_default().min(self.retry_max);
        let delay = own.max(after);
        let span = match self.jitter {
            Jitter::None => Duration::ZERO,
            Jitter::Equal => delay / 2,
            Jitter::Full => delay,
        };
        // Also if the server's wait is below our own but above the shortest jittered one: with a
        // plain lower bound, the clients would come back together.
        if retry.is_some() || after > delay - span {
            delay.saturating_add(fraction(span, random))
        } else {
            delay - fraction(span, random)
        }
    }

    /// The reconnection time (9.2.3): the server's within the policy's bounds, otherwise `initial`.
    pub(super) fn reconnection_time(&self, retry: Option<Duration>) -> Duration {
        // Not `clamp`: it panics if a caller's bounds are the wrong way round.
        retry.map_or(self.initial, |retry| retry.max(self.retry_min).min(self.retry_max))
    }

    const DEFAULT: Self = Self {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(30),
        factor: 2,
        jitter: Jitter::Equal,
        max_attempts: None,
        max_elapsed: None,
        retry_min: Duration::from_millis(10),
        retry_max: Duration::from_secs(60 * 60),
        healthy_after: Duration::from_secs(60),
    };
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `span * random / 2^64`, exact up to 584 years.
fn fraction(span: Duration, random: u64) -> Duration {
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(((u128::from(nanos) * u128::from(random)) >> 64) as u64)
}

/// Count of the failed attempts in a row.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: u32,
    first_failure: Option<Instant>,
    /// Start of the connection that is open, or was open until the last poll.
    opened: Option<Instant>,
    /// Whether the last connection received bytes and ended cleanly.
    ended_cleanly: bool,
}

impl Attempts {
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    pub(super) fn opened(&mut self, now: Instant) {
        self.opened = Some(now);
        self.ended_cleanly = false;
    }

    #[inline]
    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
        self.first_failure = None;
    }

    /// Records that the open connection received bytes and ended cleanly.
    pub(super) fn ended_cleanly(&mut self) {
        self.ended_cleanly = true;
    }

    /// Records that the connection ended: a healthy connection resets the count of failures.
    pub(super) fn ended(&mut self, now: Instant, policy: &ReconnectPolicy) {
        let enough = if self.ended_cleanly {
            ReconnectPolicy::HEALTHY_END.min(policy.healthy_after)
        } else {
            policy.healthy_after
        };
        if let Some(opened) = self.opened.take()
            && now.saturating_duration_since(opened) >= enough
        {
            self.succeeded();
        }
    }

    /// Counts the loss of a connection; returns the number of the next attempt and the wait before
    /// it, or `None` if the policy gives up.
    pub(super) fn next(
        &mut self,
        now: Instant,
        policy: &ReconnectPolicy,
        delay: impl FnOnce(u32) -> Duration,
    ) -> Option<(u32, Duration)> {
        let attempt = self.failed.saturating_add(1);
        let delay = delay(attempt);
        let first_failure = *self.first_failure.get_or_insert(now);
        if policy.max_attempts.is_some_and(|max| attempt > max)
            || policy.max_elapsed.is_some_and(|max| now + delay > first_failure + max)
        {
            return None;
        }
        self.failed = attempt;
        Some((attempt, delay))
    }
}

/// SplitMix64 generator: works with every seed, and is good enough for jitter.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_matches_the_published_sequence() {
        let mut random = Random(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_fraction_is_below_the_whole() {
        let span = Duration::from_secs(8);
        assert_eq!(fraction(span, 0), Duration::ZERO);
        assert_eq!(fraction(span, 1 << 63), Duration::from_secs(4));
        assert!(fraction(span, u64::MAX) < span);
        assert!(fraction(Duration::MAX, u64::MAX) < Duration::MAX);
    }
}
