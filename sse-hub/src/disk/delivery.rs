//! Delivery of committed events to feeds, and of results to publishers.
//!
//! A feed wakes every subscriber of its topic. Waking costs much less on a thread of the runtime
//! than on any other thread. So the writing thread passes deliveries to a task, and continues with
//! the next group of appends; without a runtime it delivers itself.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::feeds::Followed;
use crate::Place;
use crate::log::{AppendError, Appended, Batch, Update};

pub(super) type Answer = oneshot::Sender<Result<Appended, AppendError>>;

/// The results of one group of appends. Its size is bounded, because publishers wait for their
/// results.
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
            let (sender, mut deliveries) = mpsc::unbounded_channel::<Delivery>();
            let followed = self.followed.clone();
            runtime.spawn(async move {
                while let Some(delivery) = deliveries.recv().await {
                    delivery.run(&followed);
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

impl Delivery {
    fn run(self, followed: &Followed) {
        // Before the answers, so that a later follower does not get the news again.
        for (topic, news) in self.news {
            if followed.has(&topic) {
                followed.send(&topic, &news.into());
            }
        }
        for (answer, appended) in self.answers {
            // The caller may be gone.
            drop(answer.send(appended));
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
