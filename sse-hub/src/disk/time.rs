//! Clocks of the log: the time of day for stamps, and a steady clock for the ends of topics.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::keys::{Ended, TopicId, TopicRecord};

/// A clock of the system or of a test, in microseconds.
pub(super) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The two clocks that the log reads.
#[derive(Clone)]
pub(super) struct Clocks {
    /// The time since 1970, which may be set at any time.
    pub(super) day: Clock,
    /// The time since some moment, which cannot be set.
    pub(super) steady: Clock,
}

/// Time as the log measures it.
///
/// Setting the time of day neither makes the end of a topic longer nor, while the process runs,
/// shorter. After a restart only the time of day can say how much of the end is over. If it was set
/// back, the topic is refused for as long again as it was to be at first, but not longer.
#[derive(Clone)]
pub(super) struct Time {
    clocks: Clocks,
    /// The readings of the two clocks when the log was opened.
    opened: (u64, u64),
    /// The first topic that this process creates: its end is measured by the steady clock alone.
    first_topic: TopicId,
}

impl Time {
    /// Starts to measure; `first_topic` is the first topic that this process creates.
    pub(super) fn new(clocks: Clocks, first_topic: TopicId) -> Self {
        let opened = ((clocks.day)(), (clocks.steady)());
        Self { clocks, opened, first_topic }
    }

    /// The time of day, in microseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        (self.clocks.day)()
    }

    /// The time since the log was opened.
    fn elapsed(&self) -> u64 {
        (self.clocks.steady)().saturating_sub(self.opened.1)
    }

    /// The end of a topic that is ended now.
    pub(super) fn end(&self, lasting: Duration) -> Ended {
        let lasting = u64::try_from(lasting.as_micros()).unwrap_or(u64::MAX);
        let now = self.opened.0.saturating_add(self.elapsed());
        // 0 stands for a topic that was not ended.
        Ended { until: now.saturating_add(lasting).max(1), lasting }
    }

    /// How much longer a topic is refused; `None` if it is not.
    pub(super) fn refused_for(&self, topic: &TopicRecord) -> Option<Duration> {
        let Ended { until, lasting } = topic.ended?;
        let mut at_opening = until.saturating_sub(self.opened.0);
        if topic.id < self.first_topic {
            at_opening = at_opening.min(lasting);
        }
        let left = at_opening.saturating_sub(self.elapsed());
        (left > 0).then(|| Duration::from_micros(left))
    }
}

impl Clocks {
    /// The clocks of the system.
    pub(super) fn system() -> Self {
        static START: OnceLock<Instant> = OnceLock::new();
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            day: Arc::new(move || micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())),
            steady: Arc::new(move || micros(START.get_or_init(Instant::now).elapsed())),
        }
    }
}
