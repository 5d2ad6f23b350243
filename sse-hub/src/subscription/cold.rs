//! Reads of events that are no longer in memory.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use tokio::task::JoinSet;

use crate::log::{After, Amount};
use crate::tail::FRAME;
use crate::topic::TopicState;
use crate::{Gap, LogError, Place};

/// A read of the log that several subscribers may await.
pub(crate) type ColdRead = Shared<Pin<Box<dyn Future<Output = Result<Arc<Cold>, LogError>> + Send>>>;

/// A read that runs only as long as a subscriber awaits it.
pub(crate) type Weak = WeakShared<Pin<Box<dyn Future<Output = Result<Arc<Cold>, LogError>> + Send>>>;

/// Result of a read of the log.
#[derive(Debug)]
pub(crate) struct Cold {
    /// The gap between the requested place and `after`.
    pub(crate) gap: Option<Gap>,
    pub(crate) after: Place,
    /// The place after the events.
    pub(crate) last: Place,
    /// The events as sent, in one buffer for all awaiting subscribers.
    pub(crate) bytes: Bytes,
}

/// Reads the events after a place; concurrent reads after one place share one result.
///
/// The read is a task of its own: a subscriber whose connection takes nothing more is not polled,
/// and would otherwise keep its turn from all others.
pub(crate) fn read(topic: &Arc<TopicState>, after: After) -> ColdRead {
    let mut reads = topic.cold.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(read) = reads.get(&after).and_then(WeakShared::upgrade) {
        return read;
    }
    reads.retain(|_, read| read.upgrade().is_some());
    // Dropped with the last subscriber that awaits it, which aborts the task.
    let mut task = JoinSet::new();
    task.spawn(run(Arc::clone(topic), after));
    let read = async move {
        match task.join_next().await {
            Some(Ok(read)) => read,
            Some(Err(error)) if error.is_panic() => Err(LogError::Corrupt("the log failed".to_owned())),
            // Its runtime has ended.
            Some(Err(_)) | None => Err(LogError::Unavailable { retry_after: Duration::ZERO }),
        }
    };
    let read = read.boxed().shared();
    if let Some(weak) = read.downgrade() {
        reads.insert(after, weak);
    }
    read
}

async fn run(topic: Arc<TopicState>, after: After) -> Result<Arc<Cold>, LogError> {
    let _turn = topic.hub.cold_reads.acquire().await.expect("the semaphore is never closed");
    let page = topic.hub.log.read(&topic.name, after, Amount { events: 4096, bytes: FRAME }).await?;
    let last = page.events.last().map_or(page.after, |event| event.place());
    let mut bytes = BytesMut::with_capacity(page.events.iter().map(|event| event.wire().len()).sum());
    for event in &page.events {
        bytes.extend_from_slice(event.wire());
    }
    Ok(Arc::new(Cold { gap: page.gap, after: page.after, last, bytes: bytes.freeze() }))
}
