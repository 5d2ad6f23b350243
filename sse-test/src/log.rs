//! The requests of a server, shared by its connections and its test.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::Request;

/// The requests that came, and when the last response ended.
#[derive(Debug)]
pub(crate) struct Log {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State {
    requests: Vec<Request>,
    /// How many requests [`Log::next`] has returned.
    returned: usize,
    ended: Instant,
}

impl Log {
    pub(crate) fn new(now: Instant) -> Self {
        let state = State { requests: Vec::new(), returned: 0, ended: now };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Keeps a request that has come at `now`.
    pub(crate) fn add(&self, mut request: Request, now: Instant) {
        let mut state = self.lock();
        (request.at, request.after) = (now, now.duration_since(state.ended));
        state.requests.push(request);
        self.arrived.notify_all();
    }

    /// Notes that a response has ended.
    pub(crate) fn ended(&self, now: Instant) {
        self.lock().ended = now;
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// The first request that was not returned before, once it is there.
    pub(crate) fn next(&self) -> Request {
        let patience = Duration::from_secs(60);
        let waiting = |state: &mut State| state.returned == state.requests.len();
        let (mut state, _) = self.arrived.wait_timeout_while(self.lock(), patience, waiting).unwrap();
        state.returned += 1;
        state.requests.get(state.returned - 1).cloned().expect("a request within 60 s")
    }

    /// How many requests [`next`](Self::next) has not returned.
    pub(crate) fn further(&self) -> usize {
        let state = self.lock();
        state.requests.len() - state.returned
    }
}
