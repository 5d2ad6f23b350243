//! One follower of a topic, as the body of a response.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use proto::{EventBuilder, Gap};

use crate::topic::TopicState;
use crate::{Log, MemoryLog, Slow};

/// The type of the event that tells a subscriber about a gap.
///
/// Its data is `{"missed":17}`, or `{"missed":null}` where the number is not known; its ID is the place where
/// the subscription goes on, so that the same gap is not told twice.
pub const GAP_EVENT: &str = "gap";

/// A body that follows a [`Topic`](crate::Topic) until the client leaves or the hub closes.
///
/// ```text
///           ┌─────────┐ ID of its place,  ┌────────┐  hub closed: retry   ┌───────┐
///  ────────►│  Start  │ retry, gap event  │ Follow │  or too slow         │ Ended │
/// subscribe └─────────┴──────────────────►└────────┴─────────────────────►└───────┘
///                             events, comments, gap events
/// ```
///
/// A client that came without an ID is first sent that of its place in the log, in an event without data:
/// should the connection break before an event came, it resumes from there.
///
/// It is small, and while it waits there is nothing else of it but a cursor and a waker: no buffer, no timer,
/// no task.
pub struct Subscription<L: Log = MemoryLog> {
    topic: Arc<TopicState<L>>,
    slot: usize,
    comments: u32,
    state: State,
}

enum State {
    Start(Start),
    Follow,
    Ended,
}

/// How a subscription came to its place.
pub(crate) enum Start {
    Live,
    Resumed,
    Gap(Gap),
}

impl<L: Log> Subscription<L> {
    pub(crate) fn new(topic: Arc<TopicState<L>>, slot: usize, start: Start) -> Self {
        let comments = topic.comments.load(Ordering::Relaxed);
        Self { topic, slot, comments, state: State::Start(start) }
    }

    /// By how many events it is behind.
    pub fn lag(&self) -> u64 {
        self.topic.log.lag(&self.topic.members.cursor(self.slot))
    }

    fn begin(&self, start: &Start) -> String {
        let mut event = EventBuilder::new();
        if let Some(retry) = self.topic.hub.config.retry {
            event = event.retry(retry);
        }
        match start {
            Start::Resumed => event.encode(),
            Start::Live => self.with_place(event),
            Start::Gap(gap) => event.encode() + &self.gap(*gap),
        }
    }

    /// Counts a gap, and tells it to the client.
    fn gap(&self, gap: Gap) -> String {
        let counters = &self.topic.hub.counters;
        counters.gaps.fetch_add(1, Ordering::Relaxed);
        counters.dropped.fetch_add(gap.missed.unwrap_or(0), Ordering::Relaxed);
        let missed = gap.missed.map_or("null".to_owned(), |missed| missed.to_string());
        let data = format!("{{\"missed\":{missed}}}");
        let event = EventBuilder::new().event(GAP_EVENT).expect("it has no line break");
        self.with_place(event.data(&data))
    }

    fn with_place(&self, event: EventBuilder<'_>) -> String {
        match self.topic.log.id_before(&self.topic.members.cursor(self.slot)) {
            Some(id) => event.clone().id(&id).unwrap_or(event).encode(),
            None => event.encode(),
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &self.state {
            State::Start(start) => {
                let begin = self.begin(start);
                self.state = State::Follow;
                if !begin.is_empty() {
                    return Poll::Ready(Some(begin.into()));
                }
            }
            State::Follow => {}
            State::Ended => return Poll::Ready(None),
        }
        let mut parked = false;
        loop {
            let comments = self.topic.comments.load(Ordering::Relaxed);
            let mut cursor = self.topic.members.cursor(self.slot);
            let read = self.topic.log.read(&mut cursor);
            if !matches!(read, Ok(None)) {
                self.topic.members.advance(self.slot, cursor);
                self.comments = comments;
            }
            match read {
                Ok(Some(events)) => return Poll::Ready(Some(events)),
                Err(gap) => {
                    let told = self.gap(gap);
                    if self.topic.hub.config.slow == Slow::Disconnect {
                        self.state = State::Ended;
                        return Poll::Ready(None);
                    }
                    return Poll::Ready(Some(told.into()));
                }
                Ok(None) => {}
            }
            if let Some(farewell) = self.topic.hub.farewell.get() {
                self.state = State::Ended;
                return Poll::Ready(Some(farewell.clone()));
            }
            if self.comments != comments {
                self.comments = comments;
                return Poll::Ready(Some(EventBuilder::new().comment("").encode().into()));
            }
            if parked {
                return Poll::Pending;
            }
            // What happens from here on wakes the task; what happened until here the next round sees.
            self.topic.park(self.slot, cx.waker());
            parked = true;
        }
    }
}

impl<L: Log> Body for Subscription<L> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.poll_bytes(cx).map(|bytes| {
            let bytes = bytes?;
            self.topic.hub.counters.sent_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Some(Ok(Frame::data(bytes)))
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl<L: Log> Drop for Subscription<L> {
    fn drop(&mut self) {
        self.topic.members.leave(self.slot);
        self.topic.hub.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<L: Log> fmt::Debug for Subscription<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("lag", &self.lag()).finish_non_exhaustive()
    }
}
