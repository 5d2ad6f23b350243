//! Time for what waits.

use crate::Instant;

/// What is needed of a runtime: a clock, and to sleep by it.
pub trait Timer {
    /// Resolves at a point in time.
    type Sleep: Future<Output = ()> + Unpin;

    /// Begins to wait.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// The time, on the clock that [`sleep_until`](Self::sleep_until) goes by.
    fn now(&self) -> Instant;
}
