//! Log as the hub uses it: a queue to the writing thread, and reads beside it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::damage::ReadError;
use super::delivery::{Answer, Deliverer, Queued};
use super::directory::{Directory, free};
use super::engine::{Engine, Views};
use super::keys::Clock;
use super::time::{Clocks, Time};
use super::topic::Topic;
use super::view::View;
use super::writer::{self, Append, Command, Shared, State, Writer};
use super::{DiskConfig, DiskError};
use crate::log::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, Later, ListedTopic,
    Located, Log, LogError, Page,
};

/// How many publications may wait in the queue.
const QUEUE: usize = 4096;

/// How many bytes of publications may wait in the queue.
const QUEUED_BYTES: usize = 64 << 20;

/// The time after which to retry when the log is too busy.
const SOON: Duration = Duration::from_secs(1);

/// A [`Log`] in a directory: appended events are synced to the disk, and survive the process.
///
/// An append completes when its events are on the disk; all appends that wait at that time share
/// one `fsync`. [`DiskConfig::with_bytes`] bounds the size of all topics together; the oldest
/// events are dropped first.
///
/// Call its methods inside a tokio runtime: reads run on the runtime's blocking threads. New events
/// and the results of appends are delivered by the runtime in which the first topic is followed, so
/// keep this runtime running, or end it. Dropping the log closes it in the background.
pub struct DiskLog {
    queue: mpsc::Sender<Command>,
    queued: Arc<AtomicUsize>,
    views: Arc<Views>,
    shared: Shared,
    path: PathBuf,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl DiskLog {
    /// Opens the directory, or creates it. Reads the journal of the last process, up to 128 MB.
    ///
    /// Blocks the calling thread until that is done.
    ///
    /// # Errors
    ///
    /// If another process has the directory open, if it holds another format or other files, or if
    /// it cannot be read.
    pub fn open(config: DiskConfig) -> Result<Self, DiskError> {
        Self::open_at(config, Clocks::system())
    }

    pub(super) fn open_at(config: DiskConfig, clocks: Clocks) -> Result<Self, DiskError> {
        if config.bytes < DiskConfig::LEAST_BYTES {
            return Err(DiskError::TooFewBytes { least: DiskConfig::LEAST_BYTES });
        }
        let mut engine = Engine::open(Directory::open(&config.path)?, &config, (clocks.day)())?;
        let views = Arc::clone(engine.views());
        let shared = Shared {
            deliverer: Deliverer::default(),
            state: Arc::new(Mutex::new(State::Ready)),
            time: Time::new(clocks, engine.clock_mut().next_topic),
            damage: engine.damage().clone(),
        };
        let (queue, commands) = mpsc::channel(QUEUE);
        let writer = Writer::new(engine, commands, shared.clone());
        let writer = thread::Builder::new()
            .name("sse-hub disk".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| DiskError::io(&config.path, error))?;
        let writer = Mutex::new(Some(writer));
        Ok(Self { queue, queued: Arc::default(), views, shared, path: config.path, writer })
    }

    fn send(&self, command: Command) -> Result<(), AppendError> {
        self.queue.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Busy { retry_after: SOON },
            mpsc::error::TrySendError::Closed(_) => AppendError::Broken(self.closed()),
        })
    }

    /// Runs a read of a topic on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        topic: &str,
        question: impl FnOnce(Topic<'_>) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, LogError> {
        let topic = topic.to_owned();
        self.read(move |view, clock| Topic::new(view, clock, &topic).and_then(question)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View, Clock) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, LogError> {
        let views = Arc::clone(&self.views);
        // The files may be damaged in any way, and the engine does not promise an error instead of
        // a panic.
        let read = move || catch_unwind(AssertUnwindSafe(|| views.read(read)));
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(Some(Ok(read)))) => Ok(read),
            Ok(Ok(Some(Err(error @ ReadError::Damaged { .. })))) => Err(LogError::Corrupt(error.to_string())),
            Ok(Ok(Some(Err(ReadError::Engine(_))))) => Err(LogError::Unavailable { retry_after: SOON }),
            // The log is closed, or the engine is being reopened.
            Ok(Ok(None)) if self.queue.is_closed() => Err(LogError::Broken(self.closed())),
            Ok(Ok(None)) => Err(LogError::Unavailable { retry_after: SOON }),
            Ok(Err(_)) | Err(_) => Err(LogError::Corrupt("the storage engine failed to read it".to_owned())),
        }
    }

    async fn append_batch(&self, topic: &str, batch: Batch) -> Result<Appended, AppendError> {
        let bytes = usize::try_from(writer::size(&batch)).unwrap_or(usize::MAX);
        let queued = Queued::add(bytes, &self.queued, QUEUED_BYTES);
        let queued = queued.ok_or(AppendError::Busy { retry_after: SOON })?;
        let (publisher, answered) = oneshot::channel();
        let answer = Answer::new(publisher, queued);
        self.send(Command::Append(Append { topic: topic.into(), batch, answer }))?;
        answered.await.unwrap_or_else(|_| Err(AppendError::Broken(self.closed())))
    }

    fn state(&self) -> State {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the writing thread has ended.
    fn closed(&self) -> String {
        match self.state() {
            State::Broken(why) => why,
            State::Ready | State::Full { .. } => "it is closed".to_owned(),
        }
    }
}

impl Log for DiskLog {
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>> {
        Box::pin(self.append_batch(topic, batch))
    }

    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>> {
        let time = self.shared.time.clone();
        Box::pin(self.ask(topic, move |topic| topic.extent(newest, &time)))
    }

    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>> {
        let id = id.to_owned();
        Box::pin(self.ask(topic, move |topic| topic.locate(&id)))
    }

    fn read<'a>(&'a self, topic: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>> {
        Box::pin(self.ask(topic, move |topic| topic.read(after, amount)))
    }

    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>> {
        Box::pin(async move {
            self.shared.deliverer.start();
            Ok(self.shared.deliverer.followed().add(topic, feed))
        })
    }

    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let sent = self.send(Command::End { topic: topic.into(), lasting, answer });
            let ended = match sent {
                Ok(()) => answered.await.unwrap_or_else(|_| Err(AppendError::Broken(self.closed()))),
                Err(error) => Err(error),
            };
            ended.map_err(|error| match error {
                AppendError::Busy { retry_after }
                | AppendError::Unavailable { retry_after }
                | AppendError::Unknown { retry_after } => LogError::Unavailable { retry_after },
                error => LogError::Broken(error.to_string()),
            })
        })
    }

    fn topics<'a>(
        &'a self,
        after: Option<&'a str>,
        limit: usize,
    ) -> Later<'a, Result<Vec<ListedTopic>, LogError>> {
        let after = after.map(str::to_owned);
        Box::pin(self.read(move |view, _| view.list(after.as_deref(), limit)))
    }

    fn health(&self) -> Health {
        match self.state() {
            State::Full { needed } if free(&self.path) < needed => {
                Health::Away("the disk is full".to_owned())
            }
            // Once there is room again the log counts as ready, because otherwise no publish would
            // be tried.
            State::Ready | State::Full { .. } => match self.shared.damage.reported() {
                Some(damage) => Health::AtRisk(damage.to_owned()),
                None => Health::Ready,
            },
            State::Broken(why) => Health::Away(why),
        }
    }

    fn close(&self) -> Later<'_, ()> {
        Box::pin(async {
            let (answer, answered) = oneshot::channel();
            if self.queue.send(Command::Close(answer)).await.is_ok() {
                // Fails if the log was closed in the meantime.
                let _ = answered.await;
            }
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(writer) = writer {
                // The thread has answered, and only its end is waited for.
                let _ = tokio::task::spawn_blocking(|| writer.join()).await;
            }
        })
    }
}

impl fmt::Debug for DiskLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskLog").field("health", &self.health()).finish_non_exhaustive()
    }
}
