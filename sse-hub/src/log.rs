//! What keeps the events of a topic.

use std::error::Error;
use std::future::Future;

use bytes::Bytes;
use proto::{EventBuilder, Gap};

/// The log of one topic: what was published, in one order for everybody, readable from any place in it.
///
/// [`MemoryLog`](crate::MemoryLog) is the one that comes with the hub. Another one may keep its events on
/// disk, or share them between machines; then `append` and `seek` may wait, while `read` never does: it gives
/// what is at hand, and `changed` completes when more is.
pub trait Log: Send + Sync + 'static {
    /// A place between two events. Small: it is all that the hub keeps of an idle subscriber.
    type Cursor: Clone + Send + 'static;
    /// Why an event could not be appended.
    type Error: Error + Send + Sync + 'static;

    /// Appends events, together and in this order, and returns their IDs.
    ///
    /// An event keeps the ID that it has; one without, or with an empty one, is given the log's.
    ///
    /// # Errors
    ///
    /// If the log cannot take them; then it has taken none.
    fn append(
        &self,
        events: &[EventBuilder<'_>],
    ) -> impl Future<Output = Result<Vec<String>, Self::Error>> + Send;

    /// The place after the event with this ID.
    ///
    /// # Errors
    ///
    /// A [`Gap`] if the ID is not known, or what followed it is gone; and the place before the oldest event at that moment.
    fn seek(
        &self,
        last_event_id: &str,
    ) -> impl Future<Output = Result<Self::Cursor, (Gap, Self::Cursor)>> + Send;

    /// The place after the newest event.
    fn end(&self) -> Self::Cursor;

    /// Reads encoded events, as many as make one good write, and moves the cursor behind them; `None` if
    /// there is none now.
    ///
    /// # Errors
    ///
    /// A [`Gap`] if the event at the cursor is gone; the cursor then is at the oldest.
    fn read(&self, cursor: &mut Self::Cursor) -> Result<Option<Bytes>, Gap>;

    /// Completes when there may be more to read than at the time of this call, even if first polled later.
    fn changed(&self) -> impl Future<Output = ()> + Send + 'static;

    /// The ID after which a client resumes at `cursor`, if there is one.
    fn id_before(&self, cursor: &Self::Cursor) -> Option<String>;

    /// How many events lie between `cursor` and the end.
    fn lag(&self, cursor: &Self::Cursor) -> u64;

    /// Lets go of events that are too old; returns whether the log is empty and can be forgotten with its
    /// topic.
    fn expire(&self) -> bool;
}
