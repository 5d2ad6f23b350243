//! Redis engine: implements [`Log`] over the two connections to a server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::RedisError;
use tokio::task::JoinSet;

use super::RedisConfig;
use super::channels::Channels;
use super::losses;
use super::names::Names;
use super::resume::Resume;
use super::scripts::{Found, Published};
use super::server::{Failure, Server};
use crate::Place;
use crate::log::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, Later, Located, Log,
    LogError, Page,
};

/// The time after which to retry a failed operation.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A [`Log`] in Redis 6.2 or later, or Valkey: any number of hubs on one server are one hub.
///
/// **Publish at any node, follow at any, resume at any: events have one order for all.** An event
/// is acknowledged when Redis has it; whether events survive a crash of Redis depends on its
/// configuration (`appendonly yes`, and `appendfsync always` to lose nothing in a power cut).
/// Events that Redis loses are reported as a gap to subscribers that had them, and to all other
/// subscribers as long as a node that received these events runs.
///
/// Each node has two connections: one for commands, one that receives new events. Lost connections
/// are made again, with backoff and jitter; meanwhile subscribers wait, and publishing fails within
/// two seconds.
///
/// # Servers
///
/// - A **Redis Cluster** is recognized, and each topic is one slot of it: `MOVED` is followed by
///   the client.
/// - **Sentinel** is not queried: the URL names one server. Use a URL that always leads to the
///   primary: a DNS name, a virtual address or a proxy (`docs/hub.md` has the settings of HAProxy).
///   While the URL leads to a replica,
///   publishing is refused and [`health`](Log::health) reports it; after a failover to a replica
///   that was behind, subscribers get a gap.
/// - A server that refuses writes (`OOM`, `READONLY`, `MISCONF`, `NOREPLICAS`) is not ready until
///   it accepts one.
///
/// # Keys
///
/// Per topic, with the prefix of [`RedisConfig::prefix`] and the topic's name as hash tag:
/// `sse:{topic}:s` (stream of the events), `:m` (string with the counter), `:x` and `:q` (sorted
/// set and list for own IDs and idempotency keys), and the channel `sse:{topic}`. A key
/// `sse:probe`, which lives for a millisecond, shows whether the server accepts writes. The server
/// needs `maxmemory-policy noeviction`, as for any data that is not a cache: with a memory limit
/// and another policy, [`health`](Log::health) is [`Health::AtRisk`].
///
/// # Example
///
/// ```no_run
/// use std::sync::Arc;
///
/// use sse_hub::redis::{RedisConfig, RedisLog};
/// use sse_hub::{Hub, HubConfig};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let log = RedisLog::new(RedisConfig::new("redis://localhost")?)?;
/// let hub = Hub::with_log(HubConfig::default(), Arc::new(log));
/// # Ok(()) }
/// ```
pub struct RedisLog {
    server: Arc<Server>,
    channels: Channels,
    tasks: std::sync::Mutex<JoinSet<()>>,
}

impl RedisLog {
    /// Creates a log on the server that `config` names. The server may start later.
    ///
    /// # Panics
    ///
    /// If called outside a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    ///
    /// [`RedisUnusable`] if no connection can be tried: for example, the certificates of the system
    /// cannot be loaded.
    pub fn new(config: RedisConfig) -> Result<Self, RedisUnusable> {
        let text = |error: RedisError| RedisUnusable(config.describe(&error));
        let server = Arc::new(Server::new(config.clone()).map_err(text)?);
        let (channels, connection) = Channels::new(Arc::clone(&server));
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let connected = Arc::clone(&server);
        tasks.spawn(async move { connected.keep_connected().await });
        Ok(Self { server, channels, tasks: tasks.into() })
    }

    #[cfg(test)]
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    fn names(&self, topic: &str) -> Names {
        Names::new(&self.server.config.prefix, topic)
    }

    async fn look(&self, names: &Names, id: Option<&str>, newest: Amount) -> Result<Found, LogError> {
        let found = self.server.look(names, id, newest).await?;
        // Comparisons find out whether earlier events are still there.
        if self.server.topics.known(&names.channel).is_empty() && found.newest.number > 0 {
            self.server.topics.record(&names.channel, found.newest);
        }
        Ok(found)
    }
}

impl Log for RedisLog {
    fn append<'a>(&'a self, topic: &'a str, batch: Batch) -> Later<'a, Result<Appended, AppendError>> {
        Box::pin(async move {
            let keep = &self.server.config.keep;
            let bytes = batch
                .events
                .iter()
                .map(|event| event.bytes.len() + event.id.as_ref().map_or(0, |id| id.len()));
            if batch.events.len() > keep.events || bytes.sum::<usize>() > keep.bytes {
                return Err(AppendError::TooLarge { events: keep.events, bytes: keep.bytes });
            }
            let names = self.names(topic);
            match self.server.publish(&names, &batch).await? {
                Published::Appended { first, lost } => {
                    if lost {
                        losses::report(&self.server, Arc::new(names));
                    }
                    Ok(Appended::now(first))
                }
                Published::Repeated(first) => Ok(Appended::before(first)),
                Published::KeyReused => Err(AppendError::KeyReused),
                Published::Ended => Err(AppendError::Ended),
            }
        })
    }

    fn open<'a>(&'a self, topic: &'a str, newest: Amount) -> Later<'a, Result<Extent, LogError>> {
        Box::pin(async move {
            let found = self.look(&self.names(topic), None, newest).await?;
            let (start, last) = (found.start(), found.last());
            // Only the events after a loss are without holes.
            let mut events = found.events;
            let pieces = |one: &Place, next: &Place| {
                one.is_followed_by(*next) && !(one.stamp < found.loss && found.loss <= next.stamp)
            };
            let places: Vec<_> = events.iter().map(|event| event.place()).collect();
            let from = places.windows(2).rposition(|pair| !pieces(&pair[0], &pair[1])).map_or(0, |at| at + 1);
            let newest = events.split_off(from);
            Ok(Extent { start, last, last_id: found.newest_id, newest, ended: found.ended })
        })
    }

    fn locate<'a>(&'a self, topic: &'a str, id: &'a str) -> Later<'a, Result<Located, LogError>> {
        Box::pin(async move {
            let found = self.look(&self.names(topic), Some(id), Amount::NONE).await?;
            if let Some(place) = found.place {
                return Ok(Located::After(place));
            }
            let resume = match id.parse() {
                Ok(place) => found.resume(place),
                Err(_) => Resume { gap: Some(proto::Gap::UNKNOWN), after: found.start() },
            };
            Ok(match resume.gap {
                None => Located::After(resume.after),
                Some(gap) => Located::Gone { missed: gap.missed, resume: resume.after },
            })
        })
    }

    fn read<'a>(&'a self, topic: &'a str, after: After, amount: Amount) -> Later<'a, Result<Page, LogError>> {
        Box::pin(async move {
            let names = &self.names(topic);
            let entries = self.server.read(names, after, amount, false).await?;
            if let Some(after) = entries.after {
                return Ok(entries.page(Resume { gap: None, after }));
            }
            let look =
                |place: Place| async move { self.look(names, Some(&place.to_string()), Amount::NONE).await };
            let resume = match after {
                After::Place(place) => look(place).await?.resume(place),
                After::Number { number, until } => look(until).await?.resume_number(number, until),
            };
            let entries = self.server.read(names, resume.after.into(), amount, true).await?;
            Ok(entries.page(resume))
        })
    }

    fn follow<'a>(&'a self, topic: &'a str, feed: Feed) -> Later<'a, Result<Following, LogError>> {
        Box::pin(async move {
            let names = Arc::new(self.names(topic));
            let following = self.channels.follow(names, feed).await;
            following.ok_or(LogError::Unavailable { retry_after: RETRY_AFTER })
        })
    }

    fn end<'a>(&'a self, topic: &'a str, lasting: Duration) -> Later<'a, Result<bool, LogError>> {
        Box::pin(async move { Ok(self.server.end(&self.names(topic), lasting).await?) })
    }

    fn health(&self) -> Health {
        let lock = |text: &std::sync::Mutex<Option<String>>| {
            text.lock().expect("nothing panics while it holds the lock").clone()
        };
        let address = self.server.config.server.addr();
        match (lock(&self.server.trouble), lock(&self.server.eviction)) {
            (Some(trouble), _) => Health::Away(format!("Redis at {address}: {trouble}")),
            (None, _) if !self.server.listening.load(Ordering::Relaxed) => {
                Health::Away(format!("Redis at {address}: not subscribed"))
            }
            (None, Some(policy)) => Health::AtRisk(format!(
                "Redis at {address} evicts keys when its memory is full: set maxmemory-policy to \
                 noeviction, not {policy}"
            )),
            (None, None) => Health::Ready,
        }
    }

    fn close(&self) -> Later<'_, ()> {
        let mut tasks =
            std::mem::take(&mut *self.tasks.lock().expect("nothing panics while it holds the lock"));
        Box::pin(async move {
            self.server.close();
            tasks.shutdown().await;
        })
    }
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(_) => Self::Unavailable { retry_after: RETRY_AFTER },
            Failure::Unknown(_) => Self::Unknown { retry_after: RETRY_AFTER },
            Failure::Broken(reason) | Failure::Foreign(reason) => Self::Broken(reason),
        }
    }
}

impl From<Failure> for LogError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(_) | Failure::Unknown(_) => Self::Unavailable { retry_after: RETRY_AFTER },
            Failure::Broken(reason) => Self::Broken(reason),
            Failure::Foreign(reason) => Self::Corrupt(reason),
        }
    }
}

impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog").field("config", &self.server.config).finish_non_exhaustive()
    }
}

/// Error of [`RedisLog::new`]: the configuration allows no connection, for example because its TLS
/// settings are unusable. The text contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUnusable(String);

impl fmt::Display for RedisUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis cannot be used: {}", self.0)
    }
}

impl std::error::Error for RedisUnusable {}
