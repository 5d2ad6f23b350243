//! Clock and sleep of async-io, as the timer of the core.

use std::pin::Pin;
use std::task::{Context, Poll};

use proto::{Epoch, Instant, Timer};

/// Clock of `std`, whose time zero is its creation.
#[derive(Clone, Debug, Default)]
pub struct Clock(Epoch);

/// Future that completes at a deadline.
#[derive(Debug)]
pub struct Sleep(async_io::Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

impl Timer for Clock {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(self.0.to_std(deadline).map_or_else(async_io::Timer::never, async_io::Timer::at))
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}
