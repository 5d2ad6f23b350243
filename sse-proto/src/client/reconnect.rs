//! When to connect again: arithmetic on the attempt, the server's wishes and random bits.

use core::time::Duration;

use crate::Instant;

/// How long to wait before the request is sent again, and when to stop trying; pure data.
///
/// The wait before attempt *n* is `initial * factor^(n-1)`, at most `max`. A `retry` field of the
/// server takes the place of `initial`, and if it is above `max` it stands. A `Retry-After` header is a
/// lower bound. [`delay`](Self::delay) is that arithmetic.
///
/// *n* counts the attempts in a row that came to nothing. It starts anew after the first event of a
/// connection or after a connection was open for `healthy_after`; a 200 alone proves nothing, and a
/// server that accepts and closes at once must not be hammered.
///
/// ```
/// use core::time::Duration;
/// use sse_proto::ReconnectPolicy;
///
/// let policy = ReconnectPolicy { max_attempts: Some(5), ..ReconnectPolicy::default() };
/// assert_eq!(policy.delay(1, None, None, 0), Duration::from_secs(1));
/// assert_eq!(policy.delay(4, None, None, 0), Duration::from_secs(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReconnectPolicy {
    /// The reconnection time as long as the server has not set one (9.2.3). Default 1 s.
    pub initial: Duration,
    /// The longest wait that grows out of failed attempts. Default 30 s.
    pub max: Duration,
    /// What every failed attempt multiplies the wait by; 1 (or 0) for a constant wait. Default 2.
    pub factor: u32,
    /// How the waits of many clients are spread. Default [`Jitter::Equal`].
    pub jitter: Jitter,
    /// How many attempts in a row may come to nothing; `None` for no end. Default `None`.
    pub max_attempts: Option<u32>,
    /// How long after the first failure in a row an attempt may still begin; `None` for no end.
    /// Default `None`.
    pub max_elapsed: Option<Duration>,
    /// What a smaller `retry` of the server is raised to: `retry: 0` is a hot loop. Default 10 ms.
    pub retry_min: Duration,
    /// What a larger `retry` or `Retry-After` of the server is cut to. Default 1 h.
    pub retry_max: Duration,
    /// How long a connection has to be open to count as a success without an event. Default 60 s.
    pub healthy_after: Duration,
}

/// How much of a wait is left to chance, so that the clients of a restarted server do not come at once.
///
/// Jitter shortens only a wait that is our own. One that the server asked for is lengthened: 9.2.3
/// demands at least the reconnection time, and a `Retry-After` that jitter could undercut is asked for, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Jitter {
    /// The wait as computed, *d*.
    None,
    /// Half of it: between *d*/2 and *d*; between *d* and 3*d*/2 if the server asked for it.
    #[default]
    Equal,
    /// All of it: between 0 and *d*; between *d* and 2*d* if the server asked for it.
    Full,
}

impl ReconnectPolicy {
    /// No reconnection: the first loss is the end.
    pub const fn never() -> Self {
        Self { max_attempts: Some(0), ..Self::DEFAULT }
    }

    /// What browsers do: always 3 s, unless the server says otherwise, without jitter and without end.
    pub const fn browser() -> Self {
        let initial = Duration::from_secs(3);
        Self { initial, max: initial, factor: 1, jitter: Jitter::None, ..Self::DEFAULT }
    }

    /// The wait before `attempt` (from 1 on).
    ///
    /// `retry` is the reconnection time that the server set, `retry_after` what the last response
    /// asked for, and `random` 64 random bits; 0 gives the wait without jitter.
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
        // Also if the server asked for less than our own wait, but for more than jitter could leave of it: cut off there, the
        // clients would come back together.
        if retry.is_some() || after > delay - span {
            delay.saturating_add(fraction(span, random))
        } else {
            delay - fraction(span, random)
        }
    }

    /// The reconnection time (9.2.3): the server's within the bounds, else `initial`.
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

/// The attempts in a row that came to nothing.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: u32,
    first_failure: Option<Instant>,
    /// When the connection that is open, or was until the last poll, began.
    opened: Option<Instant>,
}

impl Attempts {
    pub(super) fn failed(&self) -> u32 {
        self.failed
    }

    pub(super) fn opened(&mut self, now: Instant) {
        self.opened = Some(now);
    }

    pub(super) fn succeeded(&mut self) {
        self.failed = 0;
        self.first_failure = None;
    }

    /// There is no connection any more: was it a healthy one?
    pub(super) fn ended(&mut self, now: Instant, policy: &ReconnectPolicy) {
        if let Some(opened) = self.opened.take()
            && now.saturating_duration_since(opened) >= policy.healthy_after
        {
            self.succeeded();
        }
    }

    /// Counts the loss of a connection; the number of the attempt that may follow after `delay`.
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

/// SplitMix64: every seed will do, and jitter asks for no more.
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
