//! Clock and sleep that a runtime provides.

use crate::Instant;

/// Clock and sleep of a runtime.
pub trait Timer {
    /// Future that resolves at a deadline.
    type Sleep: Future<Output = ()> + Unpin;

    /// Returns a future that resolves at `deadline`.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// The current time, on the clock that [`sleep_until`](Self::sleep_until) uses.
    fn now(&self) -> Instant;
}
