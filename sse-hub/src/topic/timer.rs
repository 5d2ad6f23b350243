//! Timer of a topic, one for all subscribers: wakes them for a keep-alive comment or their end.

use std::collections::BTreeSet;
use std::task::Context;
use std::time::Duration;

use proto::{Instant, KeepAlive, Timer};

use crate::clock::Clock;

#[derive(Debug)]
pub(crate) struct TopicTimer {
    alarm: Option<(Instant, <Clock as Timer>::Sleep)>,
    keep_alive: KeepAlive,
    /// The times at which subscriptions end (`max_age`, `end_after`), each with the subscriber's
    /// slot. The timer wakes only subscribers that wait. A subscriber that always has events to
    /// read checks its end itself.
    ends: BTreeSet<(Instant, usize)>,
}

/// Work that is due.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Whether a comment is due.
    pub(crate) comment: bool,
    /// The slots of the subscribers whose time is over.
    pub(crate) ends: Vec<usize>,
}

impl TopicTimer {
    pub(crate) fn new(keep_alive: Duration) -> Self {
        Self { alarm: None, keep_alive: KeepAlive::new(keep_alive, Instant::ZERO), ends: BTreeSet::new() }
    }

    /// Restarts the timer for a first subscriber, which has seen no silence yet and may run in
    /// another runtime.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.alarm = None;
        self.handle_event(now);
    }

    pub(crate) fn handle_event(&mut self, now: Instant) {
        self.keep_alive.handle_event(now);
    }

    pub(crate) fn end_at(&mut self, at: Instant, slot: usize) {
        self.ends.insert((at, slot));
    }

    pub(crate) fn forget_end(&mut self, at: Instant, slot: usize) {
        self.ends.remove(&(at, slot));
    }

    /// Returns the work that is due, and registers a wake-up for the next deadline.
    pub(crate) fn poll(&mut self, clock: &Clock, cx: &mut Context<'_>) -> Due {
        let mut due = Due::default();
        loop {
            let end = self.ends.first().map(|(at, _)| *at);
            let Some(deadline) = self.keep_alive.deadline().into_iter().chain(end).min() else { return due };
            // Reset only when it fires, not with each event, so it may be early but never late.
            if self.alarm.as_ref().is_none_or(|(at, _)| *at > deadline) {
                self.alarm = Some((deadline, clock.sleep_until(deadline)));
            }
            if self.alarm.as_mut().is_some_and(|(_, alarm)| alarm.as_mut().poll(cx).is_pending()) {
                return due;
            }
            self.alarm = None;
            let now = clock.now();
            due.comment |= self.keep_alive.poll(now);
            while let Some(end) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
                self.ends.remove(&end);
                due.ends.push(end.1);
            }
        }
    }
}
