//! Limit of the publishing rate.

use std::time::Instant;

/// A token bucket that holds the events of one second.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    left: f64,
    filled: Instant,
}

impl Rate {
    /// A full bucket; `None` for a rate of 0, which means no limit.
    pub(super) fn new(per_second: u32, now: Instant) -> Option<Self> {
        let per_second = f64::from(per_second);
        (per_second > 0.0).then_some(Self { per_second, left: per_second, filled: now })
    }

    /// Takes `count` events from the bucket; or takes none, and returns after how many seconds to
    /// retry.
    ///
    /// A batch larger than the bucket passes when the bucket is full, and delays later batches.
    pub(super) fn take(&mut self, count: usize, now: Instant) -> Result<(), u64> {
        let refill = now.saturating_duration_since(self.filled).as_secs_f64() * self.per_second;
        self.left = (self.left + refill).min(self.per_second);
        self.filled = now;
        let needed = (count as f64).min(self.per_second);
        if self.left < needed {
            return Err(((needed - self.left) / self.per_second).ceil() as u64);
        }
        self.left -= count as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_of_one_second_passes_and_then_the_rate_limits() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut rate = Rate::new(10, start).unwrap();
        assert_eq!(rate.take(10, at(0)), Ok(()));
        assert_eq!(rate.take(1, at(50)), Err(1));
        assert_eq!(rate.take(1, at(100)), Ok(()));
        assert_eq!(rate.take(25, at(1000)), Err(1));
        assert_eq!(rate.take(25, at(1100)), Ok(()), "a batch that is larger than the bucket");
        assert_eq!(rate.take(1, at(2000)), Err(1), "is paid for");
        assert_eq!(rate.take(1, at(2700)), Ok(()));
        assert!(Rate::new(0, start).is_none());
    }
}
