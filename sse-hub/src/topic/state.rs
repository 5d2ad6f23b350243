//! State of a topic in memory: its tail, its subscribers, and its feed from the log.

mod feed;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use proto::{Instant, Timer as _};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::TopicInfo;
use super::timer::TopicTimer;
use crate::hub::Shared;
use crate::log::{After, Following};
use crate::members::Members;
use crate::subscription::cold::{self, ColdRead};
use crate::tail::Tail;
use crate::topics::{IdleKey, Topics};

#[derive(Debug)]
pub(crate) struct TopicState {
    pub(crate) name: Arc<str>,
    pub(crate) hub: Arc<Shared>,
    pub(crate) topics: Weak<Topics>,
    /// The number of handles and subscriptions.
    pub(crate) users: AtomicUsize,
    pub(crate) members: Arc<Members>,
    /// How often a comment has been due; a subscriber that has seen fewer sends one.
    pub(crate) comments: AtomicU32,
    pub(crate) phase: watch::Sender<Phase>,
    /// Whether responses began before the topic was open, or the log was unavailable: a subscriber
    /// that waited gets the events since it came.
    pub(crate) late: AtomicBool,
    /// Reads of the log that are running, by the place after which they begin.
    pub(crate) cold: Mutex<HashMap<After, cold::Weak>>,
    idle_key: Mutex<Option<IdleKey>>,
    tail: Mutex<Tail>,
    timer: Mutex<TopicTimer>,
    /// The waker that wakes all members.
    waker: Waker,
    following: Mutex<Option<Following>>,
    /// The runtime in which the topic was opened last, if that took time: missing events are read
    /// there, if an update comes from outside a runtime.
    runtime: Mutex<Option<Handle>>,
    repairing: AtomicBool,
    /// Whether the topic counts as one without events.
    empty: AtomicBool,
}

/// Phase of a topic's opening.
///
/// ```text
///   attempt failed and no user is left, or its task was dropped
///      ┌──────────────────────────┐
///      ▼                          │
///  ┌────────┐ first subscriber ┌─────────┐ the log has answered ┌──────┐
///  │ Closed │─────────────────►│ Opening │─────────────────────►│ Open │
///  └────────┘                  └─────────┘                      └──────┘
///                 the log says  │       ▲                          │ the topic is ended
///                 it is ended   ▼       │ next subscriber          │
///                              ┌─────────┐                         │
///                              │  Ended  │◄────────────────────────┘
///                              └─────────┘
/// ```
///
/// A hub in memory opens a topic when the topic is created. If the topic ends during the opening,
/// the phase stays `Opening`, and the hub requests the topic from the log again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The topic has no tail, because it has had no subscriber, because its last user left before
    /// the log answered, or because the opening task was dropped. Publishing does not need the
    /// tail.
    Closed,
    /// The log is opening the topic. One task at a time does that; only it ends this phase.
    Opening,
    /// The tail gets the updates of the log.
    Open,
    /// The topic was ended.
    Ended,
}

impl TopicState {
    pub(crate) fn new(name: Arc<str>, hub: Arc<Shared>, topics: Weak<Topics>) -> Self {
        hub.empty.fetch_add(1, Ordering::Relaxed);
        let members = Arc::new(Members::new());
        Self {
            name,
            topics,
            users: AtomicUsize::new(0),
            waker: Waker::from(Arc::clone(&members)),
            members,
            comments: AtomicU32::new(0),
            phase: watch::Sender::new(Phase::Closed),
            late: AtomicBool::new(false),
            cold: Mutex::default(),
            idle_key: Mutex::default(),
            tail: Mutex::new(Tail::new(hub.config.history)),
            timer: Mutex::new(TopicTimer::new(hub.config.keep_alive)),
            following: Mutex::default(),
            runtime: Mutex::default(),
            repairing: AtomicBool::new(false),
            empty: AtomicBool::new(true),
            hub,
        }
    }

    pub(crate) fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().expect("nothing panics while it holds the lock")
    }

    /// Locks the tail, and drops events that are too old.
    pub(crate) fn fresh_tail(&self) -> MutexGuard<'_, Tail> {
        let mut tail = self.tail();
        tail.expire(self.hub.clock.now());
        tail
    }

    /// The topic's entry among the unused topics; it belongs to the map of topics, and is accessed
    /// only under the map's lock.
    pub(crate) fn idle_key(&self) -> MutexGuard<'_, Option<IdleKey>> {
        self.idle_key.lock().expect("nothing panics while it holds the lock")
    }

    pub(crate) fn timer(&self) -> MutexGuard<'_, TopicTimer> {
        self.timer.lock().unwrap_or_else(|poisoned| {
            // A timer may panic when it is polled outside its own runtime.
            let mut timer = poisoned.into_inner();
            timer.restart(self.hub.clock.now());
            self.timer.clear_poison();
            timer
        })
    }

    /// Registers the member to be woken by new events. The member has to check for earlier ones
    /// after this call.
    pub(crate) fn park(&self, slot: usize, waker: &Waker) {
        // First the member, then the timer: a completion in between also wakes the member.
        self.members.park(slot, waker);
        let due = self.timer().poll(&self.hub.clock, &mut Context::from_waker(&self.waker));
        if due.comment {
            self.comments.fetch_add(1, Ordering::Relaxed);
            // This poll may have consumed the wake-up that was meant for all members.
            self.members.wake(Some(slot));
        } else if !due.ends.is_empty() {
            self.members.wake_some(&due.ends);
        }
    }

    /// Counts events that this process published.
    pub(crate) fn published(self: &Arc<Self>, count: usize) {
        self.hub.counters.published.fetch_add(count as u64, Ordering::Relaxed);
        self.set_empty(false);
        if *self.phase.borrow() != Phase::Open && !self.hub.log.is_durable() {
            // The topic was ended, and is free again: as long as a log in memory has events of it,
            // the topic stays in the hub.
            self.open();
        }
    }

    fn set_empty(&self, empty: bool) {
        // Read first, to avoid a write for every event.
        if self.empty.load(Ordering::Relaxed) == empty || self.empty.swap(empty, Ordering::Relaxed) == empty {
            return;
        }
        match empty {
            true => self.hub.empty.fetch_add(1, Ordering::Relaxed),
            false => self.hub.empty.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// Drops events that are too old.
    pub(crate) fn expire(&self) {
        let mut tail = self.tail();
        tail.expire(self.hub.clock.now());
        if tail.is_loaded() && tail.is_empty() && !self.hub.log.is_durable() {
            self.set_empty(true);
        }
    }

    /// The time from which the unused topic may be dropped from memory; `None` if at once.
    pub(crate) fn unloadable_at(&self, now: Instant) -> Option<Instant> {
        let mut tail = self.tail();
        if self.hub.log.is_durable() {
            // Stays loaded for returning subscribers.
            let just_before = now.since_epoch().saturating_sub(Duration::from_nanos(1));
            return tail.is_loaded().then(|| Instant::from_epoch(just_before));
        }
        tail.expire(now);
        tail.last_expiry()
    }

    /// The ID of the newest event ([`Topic::last_event_id`](super::Topic::last_event_id)); `None`
    /// if the topic is not open.
    pub(crate) fn last_event_id(&self) -> Option<String> {
        let tail = self.tail();
        tail.id_before(tail.end()).filter(|_| tail.is_loaded())
    }

    pub(crate) fn info(&self) -> TopicInfo {
        TopicInfo {
            name: self.name.as_ref().to_owned(),
            subscribers: self.members.len(),
            last_event_id: self.last_event_id(),
        }
    }

    /// How many events the slowest subscriber is behind.
    pub(crate) fn lag(&self) -> u64 {
        let cursors = self.members.cursors();
        let tail = self.tail();
        cursors.into_iter().map(|cursor| tail.lag(cursor)).max().unwrap_or(0)
    }

    /// Reads the events after a place from the log; concurrent reads after one place share one
    /// result.
    pub(crate) fn cold_read(self: &Arc<Self>, after: After) -> ColdRead {
        cold::read(self, after)
    }
}

impl Drop for TopicState {
    fn drop(&mut self) {
        self.set_empty(false);
    }
}
