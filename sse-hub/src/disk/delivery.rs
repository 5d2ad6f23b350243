//! Tells feeds and publishers of what was committed.
//!
//! A feed wakes every subscriber of its topic, which costs a thread of the runtime much less than
//! one that is not: the thread that writes hands that to a task, and goes on with the next group.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::feeds::Followed;
use crate::Place;
use crate::log::{AppendError, Appended, Batch, Update};

pub(super) type Answer = oneshot::Sender<Result<Appended, AppendError>>;

/// What came of a group. Its size is bounded by what may wait to be appended: publishers wait for
/// their answers.
#[derive(Default)]
pub(super) struct Delivery {
    pub(super) news: Vec<(Box<str>, News)>,
    pub(super) answers: Vec<(Answer, Result<Appended, AppendError>)>,
}

/// What happened to a topic. Events are put together for subscribers only where there are any, and
/// not by the thread that writes.
pub(super) enum News {
    /// Batches, each with the place of its first event.
    Appended(Vec<(Place, Batch)>),
    Ended,
}

/// Delivers in the runtime of the followers, or on the writing thread without one.
#[derive(Clone, Default)]
pub(super) struct Deliverer {
    followed: Followed,
    task: Arc<Mutex<Option<mpsc::UnboundedSender<Delivery>>>>,
}

impl Deliverer {
    pub(super) fn followed(&self) -> &Followed {
        &self.followed
    }

    /// Starts the task in the runtime of the caller, unless it runs.
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

    /// Ends the task, after what it was given.
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
