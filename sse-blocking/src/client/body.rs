//! Body of ureq with a deadline for every read, which ureq itself does not have.

use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sse_http::client::{Blocking, Body as HttpBody};
use ureq::{Agent, BodyReader};

/// The body of a response.
///
/// If a read has a timeout, a second thread shuts down the agent at the deadline; each agent serves
/// one connection. (ureq's own timeouts are fixed with the request, and the timeout for reads also
/// applies to the head.) Bytes that arrive after the deadline are lost, so a source gives the
/// connection up after a timeout.
pub struct Body {
    reader: BodyReader<'static>,
    agent: Agent,
    watchdog: Option<Watchdog>,
    /// The time at which all reads by [`Read`] must be finished.
    deadline: Option<Instant>,
}

impl Body {
    pub(super) fn new(body: ureq::Body, agent: Agent) -> Self {
        // An event stream has no end that a limit could be right for.
        let reader = body.into_with_config().limit(u64::MAX).reader();
        Self { reader, agent, watchdog: None, deadline: None }
    }

    /// Sets how long all reads by [`Read`] together may take from now on.
    pub(super) fn limit(&mut self, time: Option<Duration>) {
        self.deadline = time.and_then(|time| Instant::now().checked_add(time));
    }

    fn read_until(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<usize> {
        let watchdog = match &self.watchdog {
            Some(watchdog) => watchdog,
            None => self.watchdog.insert(Watchdog::new(self.agent.clone())?),
        };
        watchdog.watch(deadline);
        let result = self.reader.read(buffer);
        if watchdog.watch(None) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        result
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.deadline {
            None => self.reader.read(buffer),
            deadline => self.read_until(buffer, deadline),
        }
    }
}

impl crate::Body for HttpBody<Blocking<Body>> {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        match self.take_start(buffer) {
            0 => {}
            length => return Ok(length),
        }
        match (self.get_mut(), timeout) {
            (None, _) => Ok(0),
            (Some(Blocking(body)), None) => body.reader.read(buffer),
            (Some(Blocking(body)), Some(timeout)) => {
                body.read_until(buffer, Instant::now().checked_add(timeout))
            }
        }
    }
}

/// Thread that shuts an agent down at a deadline.
#[derive(Debug)]
struct Watchdog(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    deadline: Option<Instant>,
    /// The time until which the thread sleeps; `None` without a deadline.
    asleep: Option<Instant>,
    fired: bool,
    dropped: bool,
}

impl Watchdog {
    fn new(agent: Agent) -> io::Result<Self> {
        let watch = Arc::new(Watch { state: Mutex::default(), changed: Condvar::new() });
        let ours = Arc::clone(&watch);
        thread::Builder::new().name("sse watchdog".into()).spawn(move || ours.run(agent))?;
        Ok(Self(watch))
    }

    /// Sets or removes the deadline; returns whether an earlier one has passed.
    fn watch(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.0.state();
        state.deadline = deadline;
        // Deadlines move with every read, mostly to a later time. The thread is then not notified,
        // and sometimes wakes up too early.
        if deadline.is_some_and(|deadline| state.asleep.is_none_or(|until| deadline < until)) {
            self.0.changed.notify_one();
        }
        state.fired
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.state().dropped = true;
        self.0.changed.notify_one();
    }
}

impl Watch {
    fn run(&self, agent: Agent) {
        let mut state = self.state();
        while !state.dropped {
            let now = Instant::now();
            state.asleep = state.deadline;
            state = match state.deadline {
                Some(deadline) if deadline <= now => {
                    state.fired = true;
                    drop(state);
                    return agent.shutdown();
                }
                Some(deadline) => {
                    let slept = self.changed.wait_timeout(state, deadline - now);
                    slept.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Waits until the thread has reached the state that `come` checks.
    fn wait_until(mut come: impl FnMut() -> bool) {
        let late = Instant::now() + Duration::from_secs(10);
        while !come() {
            assert!(Instant::now() < late, "the watchdog does not come to it");
            thread::yield_now();
        }
    }

    fn asleep() -> Watchdog {
        let watchdog = Watchdog::new(Agent::new_with_defaults()).unwrap();
        watchdog.watch(Some(Instant::now() + HOUR));
        wait_until(|| watchdog.0.state().asleep.is_some());
        watchdog
    }

    #[test]
    fn an_earlier_deadline_wakes_the_watchdog_that_sleeps_for_a_later_one() {
        let watchdog = asleep();
        assert!(!watchdog.0.state().fired, "it is not due");
        let now = Some(Instant::now());
        watchdog.watch(now);
        wait_until(|| watchdog.watch(now));
    }

    #[test]
    fn the_watch_ends_with_its_body() {
        let watchdog = asleep();
        let thread = Arc::downgrade(&watchdog.0);
        drop(watchdog);
        wait_until(|| thread.strong_count() == 0);
    }
}
