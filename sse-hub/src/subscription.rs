//! Subscription: the body of a response that follows one topic.

mod behind;
pub(crate) mod cold;
mod end;
mod enter;
mod from;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body::{Body, Frame};
use proto::{Cursor, EventBuilder, Gap, Instant};

use crate::OnLag;
use crate::members::Members;
use crate::metrics::LatencyCounters;
use crate::topic::Phase;
use crate::topics::Held;
use behind::{Behind, Progress};
pub use end::End;
use enter::Beginning;
pub(crate) use from::EARLIEST;
pub use from::From;
use from::{At, Begin, Start};

/// The type of the event that reports a gap to a subscriber.
///
/// Its data is `{"missed":17}`, or `{"missed":null}` if the number is unknown; its ID is the place
/// where the subscription resumes, so that a gap is not reported twice.
pub const GAP_EVENT: &str = "gap";

/// A body that follows a [`Topic`](crate::Topic) until the client leaves, the topic ends, or the
/// hub closes.
///
/// ```text
///           ┌─────────┐ ID of its place,  ┌────────┐  caught up  ┌────────┐  hub closed, topic  ┌───────┐
///  ────────►│  Begin  │ retry, gap event  │ Behind │────────────►│ Follow │  ended, old: retry  │ Ended │
/// subscribe └────┬────┴──────────────────►└────────┘◄────────────└────────┴────────────────────►└───────┘
///                │ comments, while the log is away     lagged            events, comments, gap events
/// ```
///
/// A client without an ID first gets the ID of its place in the log, in an event without data,
/// which it does not dispatch (9.2.6): if the connection breaks before the first event, the client
/// resumes from that place.
///
/// **No frame has the ID of an event that the subscriber has not been sent**, nor a later ID: each
/// event has its own ID, a gap event and the first event without data have the ID of the place
/// before the next event, and nothing else has an ID. So after whatever frame the connection
/// breaks, the client resumes without a loss, or gets a gap event.
///
/// A waiting subscription is only a cursor and a waker: no buffer, no timer, no task.
pub struct Subscription {
    topic: Held,
    slot: u32,
    comments: u32,
    /// The time at which the subscription ends, in tenths of a second of the hub's clock; 0 for
    /// never.
    ends: u32,
    /// Whether `ends` is of [`end_after`](Self::end_after), not of
    /// [`HubConfig::max_age`](crate::HubConfig::max_age).
    expires: bool,
    state: State,
}

enum State {
    Begin(Box<Beginning>),
    Behind(Box<Behind>),
    /// Whether the subscription has been up to date since it began: earlier reads are a replay,
    /// whose latency means nothing.
    Follow {
        live: bool,
    },
    Ended(End),
}

impl State {
    const FOLLOW: Self = Self::Follow { live: false };
}

impl Subscription {
    /// How many events the subscription is behind, as far as known.
    pub fn lag(&self) -> u64 {
        match &self.state {
            State::Behind(behind) => {
                self.topic.tail().end_place().number.saturating_sub(behind.after.number())
            }
            _ => self.topic.tail().lag(self.cursor()),
        }
    }

    /// The ID of the topic's newest event (see
    /// [`Topic::last_event_id`](crate::Topic::last_event_id)); `None` while the topic is not open,
    /// because the log is unavailable or the topic was ended.
    ///
    /// It tells a client when a replay has reached the present. It is not the place of the
    /// subscription: a client that resumed from it would miss the events before it.
    pub fn last_event_id(&self) -> Option<String> {
        self.topic.last_event_id()
    }

    /// Whether a frame is the keep-alive comment or heartbeat: events of a topic have IDs, so none
    /// equals it.
    pub(crate) fn is_sign_of_life(&self, frame: &[u8]) -> bool {
        self.topic.hub.config.sign_of_life == frame
    }

    fn slot(&self) -> usize {
        self.slot as usize
    }

    fn cursor(&self) -> Cursor {
        self.topic.members.cursor(self.slot())
    }

    /// Moves the subscription to `cursor`; returns the number of subscribers of the topic.
    fn advance(&self, cursor: Cursor) -> usize {
        self.topic.members.advance(self.slot(), cursor)
    }

    /// The ID that the first bytes of the response will give a client that has none; `None` if it
    /// is not known yet, or if the first bytes were sent.
    pub(crate) fn first_id(&self) -> Option<&str> {
        let State::Begin(beginning) = &self.state else { return None };
        match &**beginning {
            Beginning::Found(Begin { start: Start::Live(id), .. }) => id.as_deref(),
            _ => None,
        }
    }

    /// The first bytes of the response.
    fn first(&mut self, begin: Begin) -> String {
        self.state = match begin.at {
            At::Tail(_) => State::FOLLOW,
            At::Log(place) => State::Behind(Box::new(Behind::new(place))),
        };
        let mut event = EventBuilder::new();
        if let Some(retry) = self.topic.hub.config.retry {
            event = event.retry(retry);
        }
        match begin.start {
            Start::Resumed => event.encode(),
            Start::Live(id) => with_id(event, id.as_deref()),
            Start::Gap(gap, id) => event.encode() + &self.gap(gap, id.as_deref()),
        }
    }

    /// Counts a gap, and returns the event that reports it to the client. `id` is the ID of the
    /// place after the gap.
    fn gap(&self, gap: Gap, id: Option<&str>) -> String {
        let counters = &self.topic.hub.counters;
        counters.gaps.fetch_add(1, Ordering::Relaxed);
        counters.dropped.fetch_add(gap.missed.unwrap_or(0), Ordering::Relaxed);
        let missed = gap.missed.map_or("null".to_owned(), |missed| missed.to_string());
        let data = format!("{{\"missed\":{missed}}}");
        let event = EventBuilder::new().event(GAP_EVENT).expect("it has no line break");
        with_id(event.data(&data), id)
    }

    fn lagged(&mut self, gap: Gap, id: Option<&str>) -> Option<Bytes> {
        let told = self.gap(gap, id);
        match self.topic.hub.config.on_lag {
            OnLag::SendGap => Some(told.into()),
            OnLag::Disconnect => {
                self.state = State::Ended(End::Lagged);
                None
            }
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut parked = false;
        loop {
            if self.is_old() {
                let end = if self.expires { End::Expired } else { End::MaxAge };
                return Poll::Ready(self.farewell(end));
            }
            let comments = self.topic.comments.load(Ordering::Relaxed);
            match self.poll_state(cx) {
                // Nothing was sent, but the state may have changed.
                Poll::Ready(Some(bytes)) if bytes.is_empty() => continue,
                Poll::Ready(bytes) => {
                    self.comments = comments;
                    return Poll::Ready(bytes);
                }
                Poll::Pending => {}
            }
            if self.cursor() == Members::ENDED || *self.topic.phase.borrow() == Phase::Ended {
                return Poll::Ready(self.farewell(End::TopicEnded));
            }
            if self.topic.hub.farewell.get().is_some() {
                return Poll::Ready(self.farewell(End::HubClosed));
            }
            if self.comments != comments {
                self.comments = comments;
                return Poll::Ready(Some(self.topic.hub.config.sign_of_life.clone()));
            }
            if parked {
                return Poll::Pending;
            }
            // Later changes wake the task; earlier ones are seen in the next iteration.
            self.topic.park(self.slot(), cx.waker());
            parked = true;
        }
    }

    /// The next bytes; empty bytes mean to poll again, and `Ready(None)` is the end.
    fn poll_state(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.state {
            State::Follow { .. } => self.poll_follow(),
            State::Ended(_) => Poll::Ready(None),
            State::Begin(beginning) => {
                if let Beginning::Wanted(begin) = &mut **beginning {
                    match begin.as_mut().poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(None) => {
                            return Poll::Ready(self.farewell(End::TopicEnded));
                        }
                        Poll::Ready(Some(found)) => **beginning = Beginning::Found(found),
                    }
                    self.place();
                }
                let State::Begin(beginning) = std::mem::replace(&mut self.state, State::FOLLOW) else {
                    return Poll::Pending;
                };
                match *beginning {
                    Beginning::Found(begin) => Poll::Ready(Some(self.first(begin).into())),
                    Beginning::Wanted(_) => Poll::Pending,
                }
            }
            State::Behind(behind) => {
                if self.topic.members.cursor(self.slot as usize) == Members::ENDED {
                    return Poll::Pending;
                }
                let progress = std::task::ready!(behind.poll(self.topic.state(), cx));
                Poll::Ready(match progress {
                    Progress::Events(bytes) => Some(bytes),
                    Progress::Gap(gap, after) => self.lagged(gap, Some(&after.to_string())),
                    Progress::CaughtUp(cursor) => {
                        self.advance(cursor);
                        self.state = State::FOLLOW;
                        Some(Bytes::new())
                    }
                })
            }
        }
    }

    fn poll_follow(&mut self) -> Poll<Option<Bytes>> {
        let mut cursor = self.cursor();
        if cursor == Members::ENDED {
            return Poll::Pending;
        }
        let from = cursor;
        let mut tail = self.topic.tail();
        let behind = tail.in_log(cursor);
        let read = tail.read(&mut cursor);
        match read {
            Ok(None) => {
                let incomplete = tail.is_incomplete();
                drop(tail);
                self.state = State::Follow { live: true };
                if incomplete {
                    // The repair runs, unless its runtime has ended.
                    self.topic.state().repair();
                }
                Poll::Pending
            }
            Ok(Some(events)) => {
                let stamp = tail.stamp(from);
                drop(tail);
                let subscribers = self.advance(cursor);
                if let State::Follow { live: true } = self.state
                    && let Some(stamp) = stamp
                    && LatencyCounters::is_observed(self.slot(), from.position(), subscribers)
                {
                    self.topic.hub.counters.latency.observe(now().saturating_sub(stamp));
                }
                Poll::Ready(Some(events))
            }
            Err(gap) => {
                let id = tail.id_before(cursor);
                drop(tail);
                if let Some(after) = behind
                    && self.topic.hub.log.is_durable()
                {
                    self.state = State::Behind(Box::new(Behind::new(after)));
                    return Poll::Ready(Some(Bytes::new()));
                }
                self.advance(cursor);
                Poll::Ready(self.lagged(gap, id.as_deref()))
            }
        }
    }
}

fn with_id(event: EventBuilder<'_>, id: Option<&str>) -> String {
    match id.map(|id| event.clone().id(id)) {
        Some(Ok(event)) => event.encode(),
        _ => event.encode(),
    }
}

/// Converts tenths of a second to an instant of the hub's clock.
fn tenths(count: u32) -> Instant {
    Instant::from_epoch(Duration::from_millis(u64::from(count) * 100))
}

/// The time in microseconds since 1970, the unit of stamps.
pub(crate) fn now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX)
}

impl Body for Subscription {
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
        self.end().is_some()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.ends > 0 {
            self.topic.timer().forget_end(tenths(self.ends), self.slot());
        }
        self.topic.members.leave(self.slot());
        self.topic.hub.subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("lag", &self.lag()).finish_non_exhaustive()
    }
}
