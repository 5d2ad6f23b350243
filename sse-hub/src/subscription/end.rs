//! How a subscription ends, and why it did.

use std::time::Duration;

use bytes::Bytes;
use proto::{EventBuilder, Timer as _};

use super::{State, Subscription, tenths};

/// Why a [`Subscription`] or [`SeveralTopics`](crate::SeveralTopics) ended by itself, for a log or
/// a metric.
///
/// A subscription that is dropped before its end, because the client left, has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The hub was closed ([`Hub::close`](crate::Hub::close)).
    HubClosed,
    /// The topic was ended ([`Topic::end`](crate::Topic::end)).
    TopicEnded,
    /// The time given to `end_after` has passed, for example because a token expired.
    Expired,
    /// The subscription lasted as long as [`HubConfig::max_age`](crate::HubConfig::max_age) allows.
    MaxAge,
    /// The client read so slowly that events were gone before it got them, and the hub disconnects
    /// such clients ([`OnLag::Disconnect`](crate::OnLag::Disconnect)).
    Lagged,
}

impl Subscription {
    /// Ends the stream between two events once this much time has passed, for example when the
    /// client's token expires. An earlier end, from
    /// [`HubConfig::max_age`](crate::HubConfig::max_age) or another call, stays. The stream ends up
    /// to 0.1 s early, and never late.
    #[must_use]
    pub fn end_after(mut self, time: Duration) -> Self {
        self.expires |= self.end_within(time);
        self
    }

    /// Sets the end unless there is an earlier one; returns whether it did.
    pub(super) fn end_within(&mut self, time: Duration) -> bool {
        let at = self.topic.hub.clock.now().since_epoch().saturating_add(time);
        let ends = u32::try_from(at.as_millis() / 100).unwrap_or(u32::MAX).max(1);
        let earlier = self.ends == 0 || ends < self.ends;
        if earlier {
            let mut timer = self.topic.timer();
            if self.ends > 0 {
                timer.forget_end(tenths(self.ends), self.slot());
            }
            timer.end_at(tenths(ends), self.slot());
            drop(timer);
            self.ends = ends;
        }
        earlier
    }

    /// Why it ended; `None` while it goes on, and for good if it is dropped before its end because
    /// the client left.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether the subscription has reached its maximal age. Checked before each read, because a
    /// slow subscriber may never be up to date.
    pub(super) fn is_old(&self) -> bool {
        let over = self.ends > 0 && self.topic.hub.clock.now() >= tenths(self.ends);
        over && self.end().is_none()
    }

    /// Ends the subscription, and returns the last bytes, which ask the client to reconnect later.
    pub(super) fn farewell(&mut self, end: End) -> Option<Bytes> {
        self.state = State::Ended(end);
        let retry = match end {
            End::HubClosed => self.topic.hub.farewell.get().copied(),
            _ => self.topic.hub.config.retry,
        };
        let spread = self.topic.hub.config.retry_spread.mul_f64(fastrand::f64());
        retry.map(|retry| EventBuilder::new().retry(retry.saturating_add(spread)).encode().into())
    }
}
