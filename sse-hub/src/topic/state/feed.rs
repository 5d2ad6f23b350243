//! Opening a topic in the log, and the updates that the log then sends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Waker};

use proto::{Instant, Timer as _};
use tokio::runtime::Handle;

use super::{Phase, TopicState};
use crate::LogError;
use crate::backoff::Backoff;
use crate::log::{Amount, Extent, Feed, Following, Update, Wake};
use crate::tail::{self, TailChange};
use crate::unfinished::Unfinished;

impl TopicState {
    /// Opens the topic in the log, unless that was done; wakes the members when it is open.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, if the log does not answer at once.
    pub(crate) fn open(self: &Arc<Self>) {
        if !self.claim_opening() {
            return;
        }
        self.late.store(false, Ordering::Relaxed);
        let mut opening = Box::pin(Arc::clone(self).run_opening());
        // The memory log answers at once, even outside a runtime.
        if opening.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let runtime = Handle::current();
            *self.runtime() = Some(runtime.clone());
            runtime.spawn(opening);
        }
    }

    fn runtime(&self) -> MutexGuard<'_, Option<Handle>> {
        self.runtime.lock().expect("nothing panics while it holds the lock")
    }

    fn claim_opening(&self) -> bool {
        self.phase.send_if_modified(|phase| {
            let claimed = matches!(phase, Phase::Closed | Phase::Ended);
            if claimed {
                *phase = Phase::Opening;
            }
            claimed
        })
    }

    async fn run_opening(self: Arc<Self>) {
        // Only this task ends the phase, so a subscriber would wait for ever if it ended without
        // that.
        let unfinished = Unfinished::new(|| {
            self.phase.send_replace(Phase::Closed);
        });
        let mut backoff = Backoff::default();
        loop {
            match self.try_open().await {
                // An answer from before the topic was ended: ask again.
                Ok(false) => continue,
                Ok(true) => {
                    unfinished.finish();
                    self.members.wake(None);
                    return;
                }
                Err(_) => {
                    self.late.store(true, Ordering::Relaxed);
                    backoff.wait().await;
                }
            }
            // A subscriber that came meanwhile, and found the topic opening, opens it again.
            if self.users.load(Ordering::Relaxed) == 0 {
                return;
            }
        }
    }

    /// Asks the log for the topic, and ends the opening; false if the topic was ended meanwhile.
    async fn try_open(self: &Arc<Self>) -> Result<bool, LogError> {
        let log = &self.hub.log;
        let ends = self.tail().ends();
        let topic = Arc::downgrade(self);
        let feed = Feed::waking(move |update| match topic.upgrade() {
            Some(topic) => Wake::keeping(topic.feed(update), topic),
            None => Wake::nobody(),
        });
        // The feed comes first: an event appended in between arrives twice, and is delivered once.
        let following = log.follow(&self.name, feed).await?;
        let extent = match log.open(&self.name, tail::amount(self.hub.config.history)).await {
            // One of the newest events is damaged: begin after them. A subscriber that reads them
            // gets a gap.
            Err(LogError::Corrupt(_)) => log.open(&self.name, Amount::NONE).await?,
            extent => extent?,
        };
        if extent.ended.is_some() {
            self.phase.send_replace(Phase::Ended);
            return Ok(true);
        }
        let Some(fed) = self.load(extent, ends, following) else { return Ok(false) };
        if fed == TailChange::Incomplete {
            self.repair();
        }
        Ok(true)
    }

    /// Fills the tail, and ends the opening; `None` if the topic has been ended more than `ends`
    /// times: the extent may hold events that were dropped, and the log may have dropped the feed.
    fn load(&self, extent: Extent, ends: u64, following: Following) -> Option<TailChange> {
        let now = self.hub.clock.now();
        let mut following = Some(following);
        let mut fed = None;
        // Under the lock of the phase, as in `ended`: either the end comes before, and is counted,
        // or it finds the topic open.
        self.phase.send_if_modified(|phase| {
            let mut tail = self.tail();
            let current = tail.ends() == ends;
            if current {
                self.set_empty(extent.start.number == extent.last.number);
                fed = Some(tail.load(extent, now));
                let mut old = self.following.lock().expect("nothing panics while it holds the lock");
                std::mem::swap(&mut *old, &mut following);
                *phase = Phase::Open;
            }
            current
        });
        // A former feed is dropped here, outside the locks, because its drop informs the log.
        drop(following);
        fed
    }

    /// Applies an update of the log; returns the waker to be woken for it.
    fn feed(self: &Arc<Self>, update: Update) -> Option<Waker> {
        let now = self.hub.clock.now();
        let fed = match update {
            Update::Appended(events) => self.tail().appended(events, now),
            Update::Latest(place) => self.tail().latest(place),
            Update::Lost(border) => {
                self.tail().lose(border);
                TailChange::Unchanged
            }
            Update::Ended => return Some(self.ended()),
        };
        match fed {
            TailChange::Grown => Some(self.news(now)),
            TailChange::Unchanged => None,
            // Subscribers repair the tail if no task does.
            TailChange::Incomplete => (!self.repair()).then(|| self.waker.clone()),
        }
    }

    fn news(&self, now: Instant) -> Waker {
        self.set_empty(false);
        self.timer().handle_event(now);
        self.waker.clone()
    }

    fn ended(&self) -> Waker {
        self.phase.send_if_modified(|phase| {
            // The members are ended first, so that none of them reports the dropped events as a
            // gap.
            self.members.end();
            self.tail().unload();
            self.set_empty(true);
            let opening = *phase == Phase::Opening;
            if !opening {
                *phase = Phase::Ended;
            }
            !opening
        });
        self.waker.clone()
    }

    /// Begins to read from the log what is missing at the end of the tail. Returns whether that is
    /// being done: not without a runtime, or if the runtime has ended.
    pub(crate) fn repair(self: &Arc<Self>) -> bool {
        if self.repairing.swap(true, Ordering::AcqRel) {
            return true;
        }
        let topic = Arc::downgrade(self);
        let spawned = Arc::new(AtomicBool::new(false));
        // Not inside the task, which may be dropped before it runs.
        let unfinished = Unfinished::new({
            let (topic, spawned) = (topic.clone(), Arc::clone(&spawned));
            move || {
                let Some(topic) = topic.upgrade() else { return };
                topic.repairing.store(false, Ordering::Release);
                // The subscribers begin a repair again, in their own runtime. Before the task is
                // spawned, the result of this function reports the failure: the caller may hold a
                // lock of the log.
                if spawned.load(Ordering::Acquire) {
                    topic.members.wake(None);
                }
            }
        });
        let repairing = async move {
            let mut backoff = Backoff::default();
            while let Some(topic) = topic.upgrade() {
                let from = topic.tail().repair();
                let amount = tail::amount(topic.hub.config.history);
                let Ok(page) = topic.hub.log.read(&topic.name, from.0.into(), amount).await else {
                    drop(topic);
                    backoff.wait().await;
                    continue;
                };
                let now = topic.hub.clock.now();
                let (fed, more) = topic.tail().repaired(from, page, now);
                if fed == TailChange::Grown {
                    topic.news(now).wake();
                }
                if more {
                    continue;
                }
                topic.repairing.store(false, Ordering::Release);
                // An update after the last check saw this repair running, and did not start
                // another.
                if !topic.tail().is_incomplete() || topic.repairing.swap(true, Ordering::AcqRel) {
                    return unfinished.finish();
                }
            }
        };
        match Handle::try_current().ok().or_else(|| self.runtime().clone()) {
            Some(runtime) => drop(runtime.spawn(repairing)),
            // The topic was opened outside a runtime, by a log that completes at once.
            None => drop(repairing),
        }
        spawned.store(true, Ordering::Release);
        self.repairing.load(Ordering::Acquire)
    }
}
