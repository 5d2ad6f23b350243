//! Opening a topic in the log, and the updates that the log then sends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use proto::{Instant, Timer as _};
use tokio::runtime::Handle;

use super::{Phase, TopicState};
use crate::LogError;
use crate::backoff::Backoff;
use crate::log::{Extent, Feed, Following, Update, Wake};
use crate::tail::{self, TailChange};

impl TopicState {
    /// Opens the topic in the log, unless that was done; wakes the members when it is open.
    pub(crate) fn open(self: &Arc<Self>) {
        if !self.claim_opening() {
            return;
        }
        self.late.store(false, Ordering::Relaxed);
        let mut opening = Box::pin(Arc::clone(self).run_opening());
        // The memory log answers at once, even outside a runtime.
        if opening.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let runtime = self.runtime.get_or_init(Handle::current);
            runtime.spawn(opening);
        }
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
        let mut backoff = Backoff::default();
        loop {
            match self.try_open().await {
                // An answer from before the topic was ended: ask again.
                Ok(false) => continue,
                Ok(true) => {
                    self.members.wake(None);
                    return;
                }
                Err(_) => {
                    self.late.store(true, Ordering::Relaxed);
                    backoff.wait().await;
                }
            }
            if self.users.load(Ordering::Relaxed) == 0 {
                self.phase.send_replace(Phase::Closed);
                // A subscriber may have come meanwhile and found the topic opening.
                if self.users.load(Ordering::Relaxed) == 0 || !self.claim_opening() {
                    return;
                }
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
        let extent = log.open(&self.name, tail::amount(self.hub.config.history)).await?;
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
            TailChange::Incomplete => {
                self.repair();
                None
            }
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

    /// Reads from the log what is missing at the end of the tail.
    fn repair(self: &Arc<Self>) {
        if self.repairing.swap(true, Ordering::AcqRel) {
            return;
        }
        let topic = Arc::downgrade(self);
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
                if topic.tail().repair().1.is_none() || topic.repairing.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        };
        match self.runtime.get().cloned().or_else(|| Handle::try_current().ok()) {
            Some(runtime) => drop(runtime.spawn(repairing)),
            // A log that misses events and completes at once, outside a runtime: the next update
            // tries again.
            None => self.repairing.store(false, Ordering::Release),
        }
    }
}
