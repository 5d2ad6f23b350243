//! Tokio's clock and sleep, as the timer of the core.

use std::pin::Pin;
use std::time::Duration;

use proto::{Epoch, Instant, Timer};
use tokio::time::{Sleep, sleep, sleep_until};

/// Clock of tokio, whose time zero is its creation; a paused runtime stops it.
#[derive(Clone, Debug)]
pub struct Clock(Epoch);

impl Default for Clock {
    fn default() -> Self {
        Self(Epoch::at(tokio::time::Instant::now().into_std()))
    }
}

impl Timer for Clock {
    type Sleep = Pin<Box<Sleep>>;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        Box::pin(match self.0.to_std(deadline) {
            Some(at) => sleep_until(at.into()),
            // A time that no clock can hold is a far future to tokio.
            None => sleep(Duration::MAX),
        })
    }

    fn now(&self) -> Instant {
        self.0.instant(tokio::time::Instant::now().into_std())
    }
}
