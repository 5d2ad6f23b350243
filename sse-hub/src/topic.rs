//! One log and those who follow it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

use proto::{EventBuilder, KeepAlive, Timer};

use crate::clock::Clock;
use crate::hub::Shared;
use crate::members::Members;
use crate::subscription::Start;
use crate::{HubError, Log, MemoryLog, Subscription};

/// A topic of a [`Hub`](crate::Hub): publish to it, subscribe to it; cheap to clone.
pub struct Topic<L: Log = MemoryLog>(pub(crate) Arc<TopicState<L>>);

pub(crate) struct TopicState<L: Log> {
    pub(crate) log: L,
    pub(crate) members: Arc<Members<L::Cursor>>,
    pub(crate) hub: Arc<Shared>,
    /// How often a comment was due so far; a subscriber that has seen fewer sends one.
    pub(crate) comments: AtomicU32,
    watch: Mutex<Watch>,
    /// Wakes all members.
    waker: Waker,
}

/// What wakes the members: one future and one timer for all of them.
struct Watch {
    changed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    alarm: Option<<Clock as Timer>::Sleep>,
    clock: Clock,
    keep_alive: KeepAlive,
}

impl<L: Log> Topic<L> {
    /// Publishes an event and returns its ID.
    ///
    /// # Errors
    ///
    /// Those of the log; [`MemoryLog`] has none.
    pub async fn publish(&self, event: EventBuilder<'_>) -> Result<String, L::Error> {
        let ids = self.publish_all(&[event]).await?;
        Ok(ids.into_iter().next().unwrap_or_default())
    }

    /// Publishes events together, so that subscribers get them in one write, and returns their IDs.
    ///
    /// Of more events than the log keeps ([`HistoryLimits`](proto::HistoryLimits)), at a time or in a loop that leaves no time
    /// to read them, subscribers get the last, and are told of a gap.
    ///
    /// # Errors
    ///
    /// Those of the log; then none is published.
    pub async fn publish_all(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, L::Error> {
        let ids = self.0.log.append(events).await?;
        self.0.hub.counters.published.fetch_add(ids.len() as u64, Ordering::Relaxed);
        Ok(ids)
    }

    /// Subscribes, to what follows the event with this ID; without an ID, to what is published from now on.
    ///
    /// If what follows is not all there, the subscription begins with a [`GAP_EVENT`](crate::GAP_EVENT) and
    /// the oldest event that is kept.
    ///
    /// # Errors
    ///
    /// [`HubError::TooManySubscribers`] or [`HubError::Closed`].
    pub async fn subscribe(&self, last_event_id: Option<&str>) -> Result<Subscription<L>, HubError> {
        let topic = &self.0;
        if topic.hub.farewell.get().is_some() {
            return Err(HubError::Closed);
        }
        let (cursor, start) = match last_event_id.filter(|id| !id.is_empty()) {
            None => (topic.log.end(), Start::Live),
            Some(id) => match topic.log.seek(id).await {
                Ok(cursor) => (cursor, Start::Resumed),
                Err((gap, oldest)) => (oldest, Start::Gap(gap)),
            },
        };
        let limit = topic.hub.config.max_subscribers;
        let free = |subscribers| (subscribers < limit).then_some(subscribers + 1);
        if topic.hub.subscribers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_err() {
            return Err(HubError::TooManySubscribers { limit });
        }
        // Both at once: one who joins in between, and waits already, would not be woken any more.
        let mut watch = topic.watch();
        let (slot, alone) = topic.members.join(cursor);
        if alone {
            watch.restart();
        }
        drop(watch);
        Ok(Subscription::new(Arc::clone(topic), slot, start))
    }
}

impl<L: Log> TopicState<L> {
    pub(crate) fn new(log: L, hub: Arc<Shared>) -> Self {
        let members = Arc::new(Members::new());
        let watch = Watch {
            changed: None,
            alarm: None,
            clock: Clock::default(),
            keep_alive: KeepAlive::new(hub.config.keep_alive, proto::Instant::ZERO),
        };
        Self {
            log,
            waker: Waker::from(Arc::clone(&members)),
            members,
            hub,
            comments: AtomicU32::new(0),
            watch: Mutex::new(watch),
        }
    }

    /// Has the member woken when there is something for it. What came until now it has to look for after this
    /// call.
    pub(crate) fn park(&self, slot: usize, waker: &Waker) {
        // First the member, then the watch: what completes in between wakes it, too.
        self.members.park(slot, waker);
        let mut watch = self.watch();
        let cx = &mut Context::from_waker(&self.waker);
        let changed = watch.poll_changed(&self.log, cx);
        let due = watch.poll_alarm(cx);
        drop(watch);
        if due {
            self.comments.fetch_add(1, Ordering::Relaxed);
        }
        if changed || due {
            // This poll may have taken the wake-up that was meant for all.
            self.members.wake(Some(slot));
        }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(|poisoned| {
            // What it waits for may panic when it is polled: outside of the runtime, say, to which a timer belongs.
            let mut watch = poisoned.into_inner();
            watch.restart();
            self.watch.clear_poison();
            watch
        })
    }

    /// By how many events the slowest subscriber is behind.
    pub(crate) fn lag(&self) -> u64 {
        self.members.cursors().iter().map(|cursor| self.log.lag(cursor)).max().unwrap_or(0)
    }
}

impl Watch {
    /// For a first subscriber: the silence before it came was nobody's, and the runtime may be another one by now.
    fn restart(&mut self) {
        self.changed = None;
        self.alarm = None;
        self.handle_event();
    }

    fn handle_event(&mut self) {
        self.keep_alive.handle_event(self.clock.now());
    }

    /// Whether something was appended; waits for the next time then.
    fn poll_changed(&mut self, log: &impl Log, cx: &mut Context<'_>) -> bool {
        let mut ready = false;
        loop {
            let changed = self.changed.get_or_insert_with(|| Box::pin(log.changed()));
            if changed.as_mut().poll(cx).is_pending() {
                return ready;
            }
            ready = true;
            self.changed = None;
            self.handle_event();
        }
    }

    /// Whether a comment is due; waits for the next one then.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> bool {
        let mut due = false;
        loop {
            let Some(deadline) = self.keep_alive.deadline() else { return due };
            // Set anew only when it goes off, not with each event: it is early, never late.
            let alarm = self.alarm.get_or_insert_with(|| self.clock.sleep_until(deadline));
            if alarm.as_mut().poll(cx).is_pending() {
                return due;
            }
            due |= self.keep_alive.poll(self.clock.now());
            self.alarm = None;
        }
    }
}

impl<L: Log> Clone for Topic<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Log> fmt::Debug for Topic<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("members", &self.0.members.cursors().len()).finish_non_exhaustive()
    }
}
