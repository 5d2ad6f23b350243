//! Time as an argument: the core never reads a clock.

use core::ops::{Add, AddAssign};
use core::time::Duration;

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

    /// The instant `elapsed` after the epoch.
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

/// Where [`Instant`] zero lies on the clock of `std`.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Epoch(std::time::Instant);

#[cfg(feature = "std")]
impl Epoch {
    /// The epoch that begins at `start`, for a runtime that has a clock of its own.
    pub const fn at(start: std::time::Instant) -> Self {
        Self(start)
    }

    /// The time on the clock of `std`, now.
    pub fn now(&self) -> Instant {
        self.instant(std::time::Instant::now())
    }

    /// Converts from `std`; what lies before the epoch becomes the epoch.
    pub fn instant(&self, at: std::time::Instant) -> Instant {
        Instant(at.saturating_duration_since(self.0))
    }

    /// Converts to `std`; `None` if its clock cannot express a time so far ahead.
    pub fn to_std(&self, at: Instant) -> Option<std::time::Instant> {
        self.0.checked_add(at.0)
    }
}

#[cfg(feature = "std")]
impl Default for Epoch {
    /// The epoch that begins now.
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}
