//! Detection of dead connections: a clock for silence, a clock for events, and the learnt interval
//! of keep-alives.

use core::mem;
use core::time::Duration;

use super::{Cause, Config};
use crate::Instant;

/// The length of silence after which a connection counts as dead. Any byte ends the silence;
/// comments count.
///
/// A socket whose peer vanished (sleep, NAT, a pulled cable) is silent for ever and reports
/// nothing, so a client that has to notice needs one of the two other modes. Only the time in which
/// the driver waits for bytes counts, never the time that an application spends on an event. An
/// application may also stop polling during a wait, for example in a `select!`: the wait ends when
/// bytes arrive, and the time until they are polled does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Liveness {
    /// Silence never ends a connection. The default, because the protocol obliges no server to send
    /// anything.
    #[default]
    Off,
    /// Dead after this much silence. Right where the server's keep-alives are known: about three
    /// times their distance (9.2.7 advises servers to send a comment every 15 s or so).
    After(Duration),
    /// Learns the interval of the server's keep-alives, separately on each connection.
    ///
    /// Off until comments have ended three silences of 1 s to 2 min. From then on the connection
    /// counts as dead after three times the longest of the last eight such silences, with a minimum
    /// of 30 s (the maximum is therefore 6 min). A silence that an event ended counts too if it is
    /// longer than the others. A silence above 2 min shows that the server sends no regular
    /// keep-alives: the mode is off again.
    ///
    /// Recommended for feeds that reconnect. Where a server sends comments in one phase and is
    /// silent in another (some LLM gateways), use a fixed time for a stream whose request may not
    /// be repeated.
    Adaptive,
}

impl From<Duration> for Liveness {
    fn from(timeout: Duration) -> Self {
        Self::After(timeout)
    }
}

impl From<Option<Duration>> for Liveness {
    fn from(timeout: Option<Duration>) -> Self {
        timeout.map_or(Self::Off, Self::After)
    }
}

/// Clocks of one connection. They run only while the driver waits for bytes.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// Start of the driver's current wait for bytes; `None` while it does not wait.
    waiting: Option<Instant>,
    /// Total of the earlier waits since the last event.
    eventless: Duration,
    /// The longest wait since the last frame.
    silence: Duration,
    cadence: Cadence,
}

impl Clocks {
    /// Records that bytes arrived: the current wait ends.
    #[inline]
    pub(super) fn data(&mut self, now: impl FnOnce() -> Instant, config: &Config) {
        if let Some(since) = self.waiting.take() {
            let waited = now().saturating_duration_since(since);
            // One long wait counts at most as the timeout, because the awaited event may be in the
            // bytes.
            let counted = waited.min(config.event_timeout.unwrap_or(Duration::MAX));
            self.eventless = self.eventless.saturating_add(counted);
            self.silence = self.silence.max(waited);
        }
    }

    /// Whether bytes kept arriving, without an event, for twice the event timeout.
    ///
    /// Available bytes are read although the deadline has passed; a server that floods always has
    /// some.
    #[inline]
    pub(super) fn is_flooded(&self, config: &Config) -> bool {
        config.event_timeout.is_some_and(|timeout| self.eventless > timeout.saturating_mul(2))
    }

    /// Records that the bytes completed a comment.
    #[inline]
    pub(super) fn comment(&mut self) {
        self.cadence.observe(mem::take(&mut self.silence), true);
    }

    /// Records that the bytes completed an event.
    #[inline]
    pub(super) fn event(&mut self) {
        self.eventless = Duration::ZERO;
        self.cadence.observe(mem::take(&mut self.silence), false);
    }

    /// Whether a frame would change none of the clocks: no wait has to be counted, and none was
    /// counted since the last event.
    #[cfg(feature = "stream")]
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.waiting.is_none() && self.eventless.is_zero() && self.silence.is_zero()
    }

    /// Whether the current wait for bytes is counted.
    #[cfg(feature = "stream")]
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Records that all bytes were parsed: the clocks start, unless they already run.
    #[inline]
    pub(super) fn wait(&mut self, now: impl FnOnce() -> Instant) {
        self.waiting.get_or_insert_with(now);
    }

    /// When the current wait must end, and why the connection then counts as dead; `None` without a
    /// limit, or while the driver does not wait.
    #[inline]
    pub(super) fn deadline(&self, config: &Config) -> Option<(Instant, Cause)> {
        let since = self.waiting?;
        let silence = match config.idle_timeout {
            Liveness::Off => None,
            Liveness::After(timeout) => Some(timeout),
            Liveness::Adaptive => self.cadence.timeout(),
        };
        let event = config.event_timeout.map(|timeout| timeout.saturating_sub(self.eventless));
        let silence = silence.map(|timeout| (since + timeout, Cause::IdleTimeout));
        let event = event.map(|timeout| (since + timeout, Cause::EventTimeout));
        [silence, event].into_iter().flatten().min_by_key(|&(at, _)| at)
    }
}

/// Interval of the server's keep-alives, learnt from the last silences that a comment ended.
#[derive(Debug, Default)]
struct Cadence {
    silences: [Duration; 8],
    next: usize,
    comments: u32,
}

impl Cadence {
    /// The shortest silence that counts: a comment right after other bytes shows no interval.
    const SHORTEST: Duration = Duration::from_secs(1);
    /// The longest silence that counts: proxies close connections that are silent for longer.
    const LONGEST: Duration = Duration::from_secs(120);
    const COMMENTS: u32 = 3;
    const MULTIPLE: u32 = 3;
    const FLOOR: Duration = Duration::from_secs(30);

    fn observe(&mut self, silence: Duration, comment: bool) {
        if silence > Self::LONGEST {
            *self = Self::default();
        } else if silence >= Self::SHORTEST && (comment || silence > self.longest()) {
            self.silences[self.next] = silence;
            self.next = (self.next + 1) % self.silences.len();
            self.comments = self.comments.saturating_add(u32::from(comment));
        }
    }

    fn timeout(&self) -> Option<Duration> {
        (self.comments >= Self::COMMENTS).then(|| (self.longest() * Self::MULTIPLE).max(Self::FLOOR))
    }

    fn longest(&self) -> Duration {
        self.silences.into_iter().max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(silences: &[(u64, bool)]) -> Option<Duration> {
        let mut cadence = Cadence::default();
        for &(silence, comment) in silences {
            cadence.observe(Duration::from_secs(silence), comment);
        }
        cadence.timeout()
    }

    #[test]
    fn adaptive_liveness_begins_after_three_comments() {
        assert_eq!(learned(&[(15, true), (15, true)]), None);
        assert_eq!(learned(&[(15, true), (14, true), (15, true)]), Some(Duration::from_secs(45)));
    }

    #[test]
    fn adaptive_liveness_has_a_minimum_of_30_s_and_a_maximum_of_6_min() {
        assert_eq!(learned(&[(1, true); 3]), Some(Duration::from_secs(30)));
        assert_eq!(learned(&[(120, true); 3]), Some(Duration::from_secs(360)));
    }

    #[test]
    fn comments_in_a_burst_are_not_a_keep_alive_interval() {
        assert_eq!(learned(&[(0, true); 100]), None);
        assert_eq!(
            learned(&[(20, true), (0, true), (20, true), (0, true), (20, true)]),
            Some(Duration::from_secs(60))
        );
    }

    #[test]
    fn a_longer_silence_that_an_event_ended_counts_for_adaptive_liveness() {
        assert_eq!(
            learned(&[(10, true), (10, true), (10, true), (20, false)]),
            Some(Duration::from_secs(60))
        );
        let mut events = std::vec![(10, true), (10, true), (20, true)];
        events.extend([(5, false); 8]);
        assert_eq!(learned(&events), Some(Duration::from_secs(60)), "a shorter one does not");
        assert_eq!(learned(&[(10, false), (20, false), (30, false)]), None);
    }

    #[test]
    fn adaptive_liveness_uses_only_the_last_eight_silences() {
        let mut silences = std::vec![(60, true)];
        silences.extend([(20, true); 7]);
        assert_eq!(learned(&silences), Some(Duration::from_secs(180)));
        silences.push((20, true));
        assert_eq!(learned(&silences), Some(Duration::from_secs(60)));

        let mut silences = std::vec![(60, true), (20, true), (60, false)];
        silences.extend([(20, true); 7]);
        assert_eq!(
            learned(&silences),
            Some(Duration::from_secs(60)),
            "one that an event ended and is no longer does not"
        );
    }

    #[test]
    fn a_silence_above_two_minutes_turns_adaptive_liveness_off() {
        assert_eq!(learned(&[(15, true), (15, true), (15, true), (121, false)]), None);
        assert_eq!(learned(&[(300, true); 3]), None);
    }
}
