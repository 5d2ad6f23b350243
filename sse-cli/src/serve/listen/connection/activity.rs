//! The activity of a connection: whether it is healthy, idle, or stuck.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::PATIENCE;

/// The activity of a connection so far. The counts may wrap: two looks at them are close together.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Bytes read.
    read: AtomicU32,
    /// Requests whose heads are complete.
    asked: AtomicU32,
    /// Requests without a response yet, and streams that go on.
    under_way: AtomicU32,
    /// Streams that go on.
    streams: AtomicU32,
}

impl Activity {
    pub(super) fn read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u32, Ordering::Relaxed);
    }

    /// Whether a response is a stream that goes on.
    pub(super) fn is_streaming(&self) -> bool {
        self.streams.load(Ordering::Relaxed) > 0
    }
}

/// A request under way, until it is dropped with the body of its response.
pub(in crate::serve) struct UnderWay(Arc<Activity>);

impl UnderWay {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.asked.fetch_add(1, Ordering::Relaxed);
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }

    /// Notes that the response is a stream.
    pub(super) fn stream(self) -> Streaming {
        self.0.streams.fetch_add(1, Ordering::Relaxed);
        Streaming(self)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that goes on, until it is dropped with the body of its response.
pub(in crate::serve) struct Streaming(UnderWay);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// State of a connection: whether it may stay open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Healthy,
    /// No complete request has arrived in time: none at all, or the rest of one is missing.
    Stuck,
    /// No request and no response has been under way for the idle timeout.
    Idle,
}

/// Observations of the last check of a connection.
#[derive(Debug)]
pub(super) struct Watch {
    /// Time since which no request and no response has been under way.
    since: Instant,
    asked: u32,
    read: u32,
}

impl Watch {
    pub(super) fn new(activity: &Activity) -> Self {
        let count = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Self { since: Instant::now(), asked: count(&activity.asked), read: count(&activity.read) }
    }

    pub(super) fn look(&mut self, activity: &Activity, idle: Duration) -> Verdict {
        let (asked, read) = (activity.asked.load(Ordering::Relaxed), activity.read.load(Ordering::Relaxed));
        let busy = activity.under_way.load(Ordering::Relaxed) > 0 || asked != self.asked;
        let begun = read != self.read;
        (self.asked, self.read) = (asked, read);
        if busy {
            self.since = Instant::now();
            return Verdict::Healthy;
        }
        let waited = self.since.elapsed();
        if waited >= PATIENCE && (asked == 0 || begun) {
            // Bytes came, and no request: at the look before, they were not there.
            return Verdict::Stuck;
        }
        if waited >= idle { Verdict::Idle } else { Verdict::Healthy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(75);

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_asks_is_stuck_after_ten_seconds() {
        let activity = Activity::default();
        let mut watch = Watch::new(&activity);
        after(9).await;
        activity.read(1);
        assert_eq!(watch.look(&activity, IDLE), Verdict::Healthy);
        after(1).await;
        assert_eq!(watch.look(&activity, IDLE), Verdict::Stuck);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_begins_and_does_not_go_on_makes_the_connection_stuck() {
        let activity = Arc::new(Activity::default());
        let mut watch = Watch::new(&activity);
        activity.read(40);
        drop(UnderWay::new(&activity));
        assert_eq!(watch.look(&activity, IDLE), Verdict::Healthy, "it was answered");
        after(20).await;
        assert_eq!(watch.look(&activity, IDLE), Verdict::Healthy, "it is idle, as it may be");
        activity.read(1);
        assert_eq!(watch.look(&activity, IDLE), Verdict::Stuck);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_when_its_last_request_is_over_for_long_enough() {
        let activity = Arc::new(Activity::default());
        let mut watch = Watch::new(&activity);
        let stream = UnderWay::new(&activity);
        after(1000).await;
        assert_eq!(watch.look(&activity, IDLE), Verdict::Healthy, "a stream is under way");
        drop(stream);
        after(74).await;
        assert_eq!(watch.look(&activity, IDLE), Verdict::Healthy);
        after(1).await;
        assert_eq!(watch.look(&activity, IDLE), Verdict::Idle);
    }
}
