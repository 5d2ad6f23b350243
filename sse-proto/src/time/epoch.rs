//! Conversion between the core's instants and the clocks of `std` and of browsers.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::time::Instant as ClockInstant;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use web_time::Instant as ClockInstant;

use super::Instant;

/// Time zero of [`Instant`] on a monotonic clock: the clock of `std::time::Instant`, or on
/// wasm32-unknown-unknown, with the feature `web-time`, the browser's `performance.now()` by
/// `web_time::Instant`.
#[derive(Clone, Copy, Debug)]
pub struct Epoch(ClockInstant);

impl Epoch {
    /// Returns the epoch that begins at `start`, for a runtime that has a clock of its own.
    pub const fn at(start: ClockInstant) -> Self {
        Self(start)
    }

    /// Reads the clock.
    pub fn now(&self) -> Instant {
        self.instant(ClockInstant::now())
    }

    /// Converts from the clock's own instants; an instant before the epoch becomes the epoch.
    pub fn instant(&self, at: ClockInstant) -> Instant {
        Instant(at.saturating_duration_since(self.0))
    }

    /// Converts to the clock's own instants; `None` if they cannot express a time so far ahead.
    pub fn to_std(&self, at: Instant) -> Option<ClockInstant> {
        self.0.checked_add(at.0)
    }
}

impl Default for Epoch {
    /// Returns the epoch that begins now.
    fn default() -> Self {
        Self(ClockInstant::now())
    }
}
