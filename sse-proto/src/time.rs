//! Time as an argument: the core never reads a clock.

// Only on targets with a clock: the clock of `std` panics on wasm32-unknown-unknown, and without
// JavaScript there is no other.
#[cfg(all(
    feature = "std",
    any(feature = "web-time", not(all(target_family = "wasm", target_os = "unknown")))
))]
mod epoch;

use core::ops::{Add, AddAssign};
use core::time::Duration;

#[cfg(all(
    feature = "std",
    any(feature = "web-time", not(all(target_family = "wasm", target_os = "unknown")))
))]
pub use epoch::Epoch;

/// A point in time, as the time that passed since an epoch of the caller's choice.
///
/// The core only compares instants and adds to them, so any monotonic clock will do: the time since
/// the program started, `performance.now()` in a browser, a tick counter. `Epoch` (feature `std`)
/// converts from and to `std::time::Instant`.
///
/// All arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The instant that lies `elapsed` after the epoch.
    pub const fn from_epoch(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time between the epoch and this instant.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}
