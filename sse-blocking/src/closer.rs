//! Handle that closes a client from another thread.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Closes an [`EventSource`](crate::EventSource) from another thread, even while its own thread is
/// blocked.
///
/// A wait for a reconnection ends at once. A blocked read ends at once if the transport registered
/// a callback ([`Attempt::on_close`](crate::Attempt::on_close)); the transport of the feature
/// `ureq` does.
#[derive(Clone, Default)]
pub struct Closer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    interrupt: Option<Box<dyn FnOnce() + Send>>,
}

impl Closer {
    /// Ends the source for good, as [`EventSource::close`](crate::EventSource::close) does.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let interrupt = state.interrupt.take();
        drop(state);
        self.0.closed.notify_all();
        if let Some(interrupt) = interrupt {
            interrupt();
        }
    }

    /// Whether the source was closed.
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Registers the callback that interrupts the current connection; runs it immediately if
    /// already closed.
    pub(crate) fn on_close(&self, interrupt: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            interrupt();
        } else {
            let before = state.interrupt.replace(Box::new(interrupt));
            // In this order, because dropping the callback may call this closer.
            drop(state);
            drop(before);
        }
    }

    /// Drops the callback of a closed connection, because it may hold the connection open.
    pub(crate) fn forget(&self) {
        let interrupt = self.state().interrupt.take();
        drop(interrupt);
    }

    /// Sleeps for `duration`, or until closed; `None` means until closed.
    pub(crate) fn sleep(&self, duration: Option<Duration>) {
        let open = |state: &mut State| !state.closed;
        let state = self.state();
        // A poisoned lock is one whose holder was dropping an interrupt that panicked: the state is
        // whole.
        match duration {
            None => drop(self.0.closed.wait_while(state, open)),
            Some(duration) => drop(self.0.closed.wait_timeout_while(state, duration, open)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").field("closed", &self.is_closed()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn sleep_lasts_its_time_unless_closed() {
        let (closer, began) = (Closer::default(), Instant::now());
        let time = Duration::from_millis(5);
        closer.sleep(Some(time));
        assert!(began.elapsed() >= time);
        closer.close();
        closer.sleep(None);
    }
}
