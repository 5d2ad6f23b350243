//! Entering a topic: a new subscription is counted, becomes a member, and gets its place, which may
//! have to be looked up.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use proto::Timer as _;

use super::from::{At, Begin, Wanted, begin};
use super::{State, Subscription, now};
use crate::log::Health;
use crate::topic::Phase;
use crate::topics::Held;
use crate::{From, HubError};

/// How long a response waits for its topic to open; after that it begins without the ID of its
/// place.
const PATIENCE: Duration = Duration::from_secs(1);

/// The beginning of a subscription, known or still being looked up.
pub(super) enum Beginning {
    Wanted(Pin<Box<dyn Future<Output = Option<Begin>> + Send>>),
    Found(Begin),
}

impl Subscription {
    pub(crate) async fn begin(topic: Held, from: From<'_>) -> Result<Self, HubError> {
        let hub = &topic.hub;
        if hub.farewell.get().is_some() {
            return Err(HubError::Closed);
        }
        let limit = hub.config.max_subscribers;
        let free = |subscribers| (subscribers < limit).then_some(subscribers + 1);
        if hub.subscribers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_err() {
            return Err(HubError::TooManySubscribers { limit });
        }
        // It is counted, and leaves if the opening panics.
        let mut subscription = Self::join(topic);
        let topic = &subscription.topic;
        topic.state().open();
        let wanted = match from {
            From::Now => Wanted::Now((*topic.phase.borrow() != Phase::Open).then(now)),
            From::Earliest => Wanted::Earliest,
            From::After(id) => Wanted::After(id.into()),
        };
        let mut begin = Box::pin(begin(Arc::clone(topic.state()), wanted));
        let mut found = poll_fn(|cx| Poll::Ready(begin.as_mut().poll(cx))).await;
        if found.is_pending() && !matches!(subscription.topic.hub.log.health(), Health::Away(_)) {
            // Does not wait for an unavailable log, because browsers do not reconnect after a
            // failed response.
            found = tokio::time::timeout(PATIENCE, &mut begin).await.map_or(Poll::Pending, Poll::Ready);
        }
        subscription.state = State::Begin(Box::new(match found {
            Poll::Ready(Some(begin)) => Beginning::Found(begin),
            Poll::Ready(None) => return Err(HubError::Ended),
            Poll::Pending => {
                // The response begins now, so events that come before the topic is open are for it.
                subscription.topic.late.store(true, Ordering::Relaxed);
                Beginning::Wanted(begin)
            }
        }));
        subscription.place();
        Ok(subscription)
    }

    fn join(topic: Held) -> Self {
        let now = topic.hub.clock.now();
        // Both under one lock: a subscriber that joins in between, and already waits, would never
        // be woken.
        let mut timer = topic.timer();
        let (slot, alone) = topic.members.join(topic.tail().end());
        if alone {
            timer.restart(now);
        }
        drop(timer);
        let comments = topic.comments.load(Ordering::Relaxed);
        let slot = u32::try_from(slot).expect("there are fewer subscribers");
        let mut subscription = Self { topic, slot, comments, ends: 0, expires: false, state: State::FOLLOW };
        if let Some(age) = subscription.topic.hub.config.max_age {
            subscription.end_within(age.mul_f64(1.0 - fastrand::f64() / 10.0));
        }
        subscription
    }

    /// Moves the subscription to its cursor in the tail once that is known, so that its lag is
    /// counted.
    pub(super) fn place(&self) {
        if let State::Begin(beginning) = &self.state
            && let Beginning::Found(Begin { at: At::Tail(cursor), .. }) = &**beginning
        {
            self.advance(*cursor);
        }
    }
}
