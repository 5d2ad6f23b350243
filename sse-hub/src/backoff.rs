//! Waits between attempts to reach an unavailable log.

use std::time::Duration;

/// Backoff from 0.1 s doubling to 2 s. Each wait is shortened at random by up to a half, so that
/// many topics do not retry at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failed: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    pub(crate) fn next(&mut self) -> Duration {
        let wait = Self::FIRST.saturating_mul(1 << self.failed.min(5)).min(Self::LONGEST);
        self.failed += 1;
        wait.mul_f64(1.0 - fastrand::f64() / 2.0)
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }
}
