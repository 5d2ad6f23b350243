//! Delivery of committed events to feeds, and of results to publishers.
//!
//! A feed wakes every subscriber of its topic. Waking costs much less on a thread of the runtime
//! than on any other thread. So the writing thread passes deliveries to a task, and continues with
//! the next group of appends; without a runtime it delivers itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::feeds::Followed;
use super::writer::LATER;
use crate::Place;
use crate::log::{AppendError, Appended, Batch, Update};

/// Where the result of one append goes. Until then its bytes count as queued, also if the publisher
/// is gone.
pub(super) struct Answer {
    publisher: Option<oneshot::Sender<Result<Appended, AppendError>>>,
    _queued: Queued,
}

/// Count of bytes in the queue, until dropped.
pub(super) struct Queued {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Answer {
    pub(super) fn new(publisher: oneshot::Sender<Result<Appended, AppendError>>, queued: Queued) -> Self {
        Self { publisher: Some(publisher), _queued: queued }
    }

    pub(super) fn send(mut self, result: Result<Appended, AppendError>) {
        if let Some(publisher) = self.publisher.take() {
            // The publisher may be gone.
            drop(publisher.send(result));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // The engine failed while it had the batch.
        if std::thread::panicking()
            && let Some(publisher) = self.publisher.take()
        {
            drop(publisher.send(Err(AppendError::Unknown { retry_after: LATER })));
        }
    }
}

impl Queued {
    /// Adds `bytes` to `all`; `None` if there were more than `limit`.
    pub(super) fn add(bytes: usize, all: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let queued = Self { bytes, all: Arc::clone(all) };
        (all.fetch_add(bytes, Ordering::Relaxed) <= limit).then_some(queued)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The results of one group of appends. All waiting deliveries together are bounded by the limit of
/// queued bytes.
#[derive(Default)]
pub(super) struct Delivery {
    pub(super) news: Vec<(Box<str>, News)>,
    pub(super) answers: Vec<(Answer, Result<Appended, AppendError>)>,
}

/// Change of a topic. Events are assembled for subscribers only if there are any, and not by the
/// writing thread.
pub(super) enum News {
    /// Batches, each with the place of its first event.
    Appended(Vec<(Place, Batch)>),
    Ended,
}

/// Delivers on a task of the followers' runtime, or on the writing thread if there is no runtime.
#[derive(Clone, Default)]
pub(super) struct Deliverer {
    followed: Followed,
    task: Arc<Mutex<Option<mpsc::UnboundedSender<Delivery>>>>,
}

impl Deliverer {
    pub(super) fn followed(&self) -> &Followed {
        &self.followed
    }

    /// Starts the delivering task in the caller's runtime, unless it runs.
    pub(super) fn start(&self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(mpsc::UnboundedSender::is_closed) {
            let (sender, waiting) = mpsc::unbounded_channel::<Delivery>();
            let mut deliveries = Deliveries { waiting, followed: self.followed.clone() };
            runtime.spawn(async move {
                while let Some(delivery) = deliveries.waiting.recv().await {
                    delivery.run(&deliveries.followed);
                }
            });
            *task = Some(sender);
        }
    }

    pub(super) fn deliver(&self, mut delivery: Delivery) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            match task.send(delivery) {
                Ok(()) => return,
                // Its runtime has ended.
                Err(mpsc::error::SendError(back)) => delivery = back,
            }
        }
        delivery.run(&self.followed);
    }

    /// Ends the delivering task after its pending deliveries.
    pub(super) fn stop(&self) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Deliveries of the task. Those that wait when the runtime drops the task are made then, because
/// the events are on the disk, and their publishers wait for the results.
struct Deliveries {
    waiting: mpsc::UnboundedReceiver<Delivery>,
    followed: Followed,
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.waiting.close();
        while let Ok(delivery) = self.waiting.try_recv() {
            delivery.run(&self.followed);
        }
    }
}

impl Delivery {
    fn run(self, followed: &Followed) {
        // Before the answers, so that a later follower does not get the news again.
        for (topic, news) in self.news {
            if followed.has(&topic) {
                followed.send(&topic, &news.into());
            }
        }
        for (answer, appended) in self.answers {
            answer.send(appended);
        }
    }
}

impl From<News> for Update {
    fn from(news: News) -> Self {
        match news {
            News::Appended(batches) => {
                Self::Appended(batches.iter().flat_map(|(first, batch)| batch.stored(*first)).collect())
            }
            News::Ended => Self::Ended,
        }
    }
}
