//! A log that keeps more events than the memory, and is unavailable at times.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sse_hub::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, HistoryLimits, Later,
    Located, Log, LogError, MemoryLog, Page,
};
use tokio::time::sleep;

use super::secs;

pub(super) const AWAY: Duration = secs(1);

/// A log that could be on another machine: each call takes 5 ms, it can be unavailable, damaged,
/// lose its updates, and end a topic while it is being opened.
pub(super) struct Remote {
    log: MemoryLog,
    pub(super) away: AtomicBool,
    /// Whether no event can be read, only what the log knows of the topic.
    pub(super) damaged: AtomicBool,
    pub(super) mute: Arc<AtomicBool>,
    pub(super) reads: AtomicUsize,
    /// How long an opening takes.
    pub(super) opening: Mutex<Duration>,
    /// How many times the topic is ended while it is being opened, and for how long.
    pub(super) ends: Mutex<(usize, Duration)>,
    /// How many openings are running, and how many have run at a time.
    pub(super) openings: (AtomicUsize, AtomicUsize),
}

impl Remote {
    pub(super) fn new() -> Arc<Self> {
        Self::with(HistoryLimits::default())
    }

    /// A log that keeps this much.
    pub(super) fn with(limits: HistoryLimits) -> Arc<Self> {
        Arc::new(Self {
            log: MemoryLog::new(limits, 100),
            away: false.into(),
            damaged: false.into(),
            mute: Arc::default(),
            reads: AtomicUsize::new(0),
            opening: Mutex::default(),
            ends: Mutex::default(),
            openings: Default::default(),
        })
    }

    fn check_damage(&self) -> Result<(), LogError> {
        match self.damaged.load(Ordering::Relaxed) {
            true => Err(LogError::Corrupt("a bit was flipped".into())),
            false => Ok(()),
        }
    }

    async fn ask(&self) -> Result<(), LogError> {
        sleep(Duration::from_millis(5)).await;
        match self.away.load(Ordering::Relaxed) {
            true => Err(LogError::Unavailable { retry_after: AWAY }),
            false => Ok(()),
        }
    }
}

impl Log for Remote {
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>> {
        Box::pin(async move {
            self.ask().await.map_err(|_| AppendError::Unavailable { retry_after: AWAY })?;
            self.log.append(topic, batch).await
        })
    }

    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>> {
        Box::pin(async move {
            let running = self.openings.0.fetch_add(1, Ordering::Relaxed) + 1;
            self.openings.1.fetch_max(running, Ordering::Relaxed);
            let asked = self.ask().await;
            let opening = *self.opening.lock().unwrap();
            sleep(opening).await;
            let extent = self.log.open(topic, newest).await;
            // The answer is on its way when the topic is ended.
            let ended = {
                let mut ends = self.ends.lock().unwrap();
                let ended = (newest != Amount::NONE && ends.0 > 0).then_some(ends.1);
                ends.0 -= usize::from(ended.is_some());
                ended
            };
            if let Some(lasting) = ended {
                self.log.end(topic, lasting).await?;
            }
            sleep(Duration::from_millis(5)).await;
            self.openings.0.fetch_sub(1, Ordering::Relaxed);
            if newest != Amount::NONE {
                self.check_damage()?;
            }
            asked.and(extent)
        })
    }

    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            self.log.locate(topic, id).await
        })
    }

    fn read<'a>(&'a self, topic: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.ask().await?;
            self.check_damage()?;
            self.log.read(topic, after, amount).await
        })
    }

    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            let mute = Arc::clone(&self.mute);
            let lossy = Feed::new(move |update| {
                if !mute.load(Ordering::Relaxed) {
                    drop(feed.send(update));
                }
            });
            self.log.follow(topic, lossy).await
        })
    }

    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>> {
        Box::pin(async move {
            self.ask().await?;
            self.log.end(topic, lasting).await
        })
    }

    fn health(&self) -> Health {
        match self.away.load(Ordering::Relaxed) {
            true => Health::Away("unplugged".into()),
            false => Health::Ready,
        }
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {})
    }
}
