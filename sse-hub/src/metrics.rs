//! Counters of a hub, for monitoring.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The current state of a [`Hub`](crate::Hub), and its counters since its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// The number of topics in memory.
    pub topics: usize,
    /// The number of subscriptions.
    pub subscribers: usize,
    /// How many events the slowest subscriber is behind.
    pub lag: u64,
    /// How many events were published.
    pub published: u64,
    /// How many bytes subscriptions passed to their connections.
    pub sent_bytes: u64,
    /// How many gaps subscriptions had, at their start and later.
    pub gaps: u64,
    /// How many events were missed in these gaps, as far as known.
    pub dropped: u64,
    /// How long events took from their publication to the connections of up-to-date subscribers.
    pub latency: Latency,
}

/// How long events took from their publication to a connection: a histogram.
///
/// One observation is one frame for one subscriber, from the stamp of its oldest event to the
/// moment when the connection takes the frame. If a topic has more than 128 subscribers, each frame
/// is observed for only 64 to 128 of them, in turn, so that the cost does not grow with the
/// subscribers. A subscriber that resumes is observed once it has caught up.
///
/// If other hosts publish to the log, the stamps come from the clock of the log, and the figures
/// include the difference of the clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latency {
    /// Number of observations in each bucket: an observation counts in the first bucket whose bound
    /// ([`BOUNDS`](Self::BOUNDS)) it does not exceed; the last bucket has the longer ones.
    pub buckets: [u64; Self::BOUNDS.len() + 1],
    /// The sum of all observations.
    pub sum: Duration,
}

impl Latency {
    /// The upper bounds of all buckets except the last.
    pub const BOUNDS: [Duration; 15] = {
        const fn micros(micros: u64) -> Duration {
            Duration::from_micros(micros)
        }
        [
            micros(100),
            micros(250),
            micros(500),
            micros(1_000),
            micros(2_500),
            micros(5_000),
            micros(10_000),
            micros(25_000),
            micros(50_000),
            micros(100_000),
            micros(250_000),
            micros(500_000),
            micros(1_000_000),
            micros(2_500_000),
            micros(10_000_000),
        ]
    };
}

/// Atomic counters of a [`Latency`].
#[derive(Debug, Default)]
pub(crate) struct LatencyCounters {
    buckets: [AtomicU64; Latency::BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

/// The smallest number of subscribers for which each frame is observed, if the topic has that many.
const OBSERVED: usize = 64;

impl LatencyCounters {
    /// Whether the frame at this position is observed for the subscriber in `slot`, in a topic with
    /// `subscribers` subscribers.
    pub(crate) fn is_observed(slot: usize, position: u64, subscribers: usize) -> bool {
        let turns = (subscribers / OBSERVED).max(1) as u64;
        (slot as u64).wrapping_add(position).is_multiple_of(turns)
    }

    pub(crate) fn observe(&self, micros: u64) {
        let time = Duration::from_micros(micros);
        let bucket = Latency::BOUNDS.partition_point(|bound| *bound < time);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Latency {
        Latency {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed)),
            sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)),
        }
    }
}

/// Atomic counters of [`Metrics`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) latency: LatencyCounters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let counters = LatencyCounters::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            counters.observe(micros);
        }
        let Latency { buckets, sum } = counters.get();
        let mut expected = [0; Latency::BOUNDS.len() + 1];
        (expected[0], expected[1], expected[14], expected[15]) = (2, 1, 1, 1);
        assert_eq!((buckets, sum), (expected, Duration::from_micros(20_000_202)));
        assert!(Latency::BOUNDS.is_sorted());
    }

    #[test]
    fn few_subscribers_are_all_observed_and_many_take_turns() {
        let observed = |position, subscribers| {
            (0..subscribers).filter(|slot| LatencyCounters::is_observed(*slot, position, subscribers)).count()
        };
        assert_eq!([1, 64, 127].map(|subscribers| observed(9, subscribers)), [1, 64, 127]);
        for position in 0..10 {
            assert!((64..=128).contains(&observed(position, 10_000)));
        }
        assert!((0..156).any(|position| LatencyCounters::is_observed(7, position, 10_000)), "each in turn");
    }
}
