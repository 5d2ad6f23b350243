//! Commands to the server: keeps the connection up, shares it among callers, and bounds the time of
//! each answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::{Client, Cmd, ErrorKind, RedisError, Script, ServerErrorKind, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::RedisConfig;
use super::commands::Commands;
use super::scripts::Scripts;
use super::topics::Topics;
use crate::backoff::Backoff;

/// How long a command may take, including the wait for a connection: a publisher gets its answer
/// within 2 s.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);

/// How long a command waits for a connection that is being made.
const CONNECTING: Duration = Duration::from_millis(500);

/// Interval between checks of an idle connection.
const PING: Duration = Duration::from_secs(1);

/// How long one attempt to connect may take.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The command was not carried out; a retry may succeed.
    Unavailable(String),
    /// The command was sent, and it is unknown whether it was carried out.
    Unknown(String),
    /// The command can never succeed on this server: it is missing or forbidden there.
    Broken(String),
    /// The server holds data that this program does not understand.
    Foreign(String),
}

#[derive(Clone)]
struct Connection {
    commands: Commands,
    /// Set when a command timed out or its answer could not be read, so that the connection itself
    /// may be broken. Each connection has its own flag, so that a late failure on an earlier
    /// connection does not count.
    suspect: Arc<AtomicBool>,
}

/// The server, as seen by commands.
pub(super) struct Server {
    pub(super) config: RedisConfig,
    pub(super) client: Client,
    pub(super) scripts: Scripts,
    /// What this node knows about the topics.
    pub(super) topics: Topics,
    connection: watch::Sender<Option<Connection>>,
    /// Notified to connect at once.
    back: Notify,
    /// Notified to check the connection at once.
    suspicion: Notify,
    /// Whether the other connection receives new events.
    pub(super) listening: AtomicBool,
    /// Whether the server refuses writes, or is not known to accept any.
    refuses: AtomicBool,
    /// Whether the client may repeat a command by itself.
    pub(super) may_repeat: AtomicBool,
    /// The newest stamp that this node has seen, of any topic: stamps rise even if the server's
    /// clock goes back.
    stamp: AtomicU64,
    /// Why there is no connection, for health checks.
    pub(super) trouble: Mutex<Option<String>>,
    /// The server's policy to evict keys, which would lose events; `None` if it evicts none.
    pub(super) eviction: Mutex<Option<String>>,
}

impl Server {
    pub(super) fn new(config: RedisConfig) -> Result<Self, RedisError> {
        let client = Client::open(config.server.clone())?;
        let trouble = Mutex::new(Some("not connected yet".to_owned()));
        let scripts = Scripts::new(&config.keep);
        Ok(Self {
            config,
            client,
            scripts,
            topics: Topics::default(),
            connection: watch::Sender::new(None),
            back: Notify::new(),
            suspicion: Notify::new(),
            listening: AtomicBool::new(false),
            refuses: AtomicBool::new(true),
            may_repeat: AtomicBool::new(false),
            stamp: AtomicU64::new(0),
            trouble,
            eviction: Mutex::default(),
        })
    }

    /// Keeps the connection up until the future is dropped.
    pub(super) async fn keep_connected(&self) {
        let mut backoff = Backoff::default();
        loop {
            let connected = timeout(2 * CONNECT, Commands::connect(&self.client)).await;
            match connected {
                Ok(Ok(commands)) => {
                    backoff = Backoff::default();
                    self.refuses.store(true, Ordering::Relaxed);
                    self.may_repeat.store(commands.reconnects(), Ordering::Relaxed);
                    self.topics.doubt_all();
                    let connection = Connection { commands, suspect: Arc::default() };
                    self.connection.send_replace(Some(connection.clone()));
                    let trouble = self.watch(connection).await;
                    self.connection.send_replace(None);
                    self.set_trouble(Some(trouble));
                }
                Ok(Err(error)) if !error.is_timeout() => {
                    self.set_trouble(Some(self.config.describe(&error)));
                }
                Ok(Err(_)) | Err(_) => self.set_trouble(Some(self.config.describe_slow_connect())),
            }
            // The other connection may reach the server first.
            let _ = timeout(backoff.next(), self.back.notified()).await;
        }
    }

    /// Completes when the connection no longer works, with the reason.
    async fn watch(&self, mut connection: Connection) -> String {
        if let Ok(policy) = timeout(PATIENCE, connection.commands.eviction_policy()).await {
            *self.eviction.lock().expect("nothing panics while it holds the lock") = policy;
        }
        loop {
            let answer = timeout(PATIENCE, self.probe(&mut connection.commands)).await;
            let trouble = match answer {
                Ok(Ok(())) if connection.suspect.load(Ordering::Relaxed) => {
                    Some("a command failed or took too long".to_owned())
                }
                Ok(Ok(())) => None,
                // The server answers, and can be read from.
                Ok(Err(error)) if takes_no_writes(&error) => {
                    self.set_trouble(Some(self.config.describe(&error)));
                    let _ = timeout(PING, self.suspicion.notified()).await;
                    continue;
                }
                Ok(Err(error)) => Some(self.config.describe(&error)),
                Err(_) => Some("Redis does not answer".to_owned()),
            };
            match trouble {
                Some(trouble) if !connection.commands.reconnects() => return trouble,
                trouble => self.set_trouble(trouble),
            }
            let _ = timeout(PING, self.suspicion.notified()).await;
        }
    }

    /// Checks that the server answers. After a connect or a refused write this sends `SET`, so that
    /// a replica or a full server does not count as ready. Once `SET` was accepted (or is forbidden
    /// to this user), it sends `PING`.
    async fn probe(&self, commands: &mut Commands) -> Result<(), RedisError> {
        if !self.refuses.load(Ordering::Relaxed) {
            return redis::cmd("PING").query_async(commands).await;
        }
        let mut write = redis::cmd("SET");
        write.arg(format!("{}probe", self.config.prefix)).arg("").arg("PX").arg(1);
        match write.query_async::<()>(commands).await {
            Ok(()) => {}
            // A user whose rights suffice for the scripts may not be allowed this command.
            Err(error) if error.code() == Some("NOPERM") => {}
            Err(error) => return Err(error),
        }
        if self.refuses.swap(false, Ordering::Relaxed) {
            // It may have been a replica, and have taken over other events.
            self.topics.doubt_all();
        }
        Ok(())
    }

    /// Reports that the other connection to the server was made.
    pub(super) fn is_back(&self) {
        self.back.notify_one();
    }

    /// Completes when the connection has been made again.
    pub(super) async fn made_again(&self) {
        let mut connection = self.connection.subscribe();
        while connection.changed().await.is_ok() {
            if connection.borrow_and_update().is_some() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Has the connection checked at once, because another connection to the server was lost.
    pub(super) fn check(&self) {
        self.suspicion.notify_one();
    }

    /// Drops the connection for good; the caller also stops the future that keeps it up.
    pub(super) fn close(&self) {
        self.connection.send_replace(None);
        self.set_trouble(Some("closed".to_owned()));
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().expect("nothing panics while it holds the lock") = trouble;
    }

    /// Runs a script by `call`, its `EVALSHA`; loads it if the server does not have it.
    pub(super) async fn run(&self, script: &Script, call: &Cmd) -> Result<Vec<Value>, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let mut connection = self.connected(deadline).await?;
        let commands = &mut connection.commands;
        let answer = timeout_at(deadline, async {
            match call.query_async(commands).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    script.load_async(commands).await?;
                    call.query_async(commands).await
                }
                answer => answer,
            }
        });
        match answer.await {
            Ok(Ok(Value::Array(answer))) => Ok(answer),
            Ok(Ok(_)) => Err(Failure::Foreign("a script answered something else than a list".to_owned())),
            Ok(Err(error)) => Err(self.failure(&error, &connection)),
            Err(_) => {
                // A new connection shows whether the server hangs, or only this connection.
                self.suspect(&connection);
                Err(Failure::Unknown("Redis did not answer in time".to_owned()))
            }
        }
    }

    /// Records a stamp that the server sent.
    pub(super) fn raise_stamp(&self, stamp: u64) {
        self.stamp.fetch_max(stamp, Ordering::Relaxed);
    }

    pub(super) fn newest_stamp(&self) -> u64 {
        self.stamp.load(Ordering::Relaxed)
    }

    fn suspect(&self, connection: &Connection) {
        connection.suspect.store(true, Ordering::Relaxed);
        self.suspicion.notify_one();
    }

    async fn connected(&self, deadline: Instant) -> Result<Connection, Failure> {
        if let Some(connection) = &*self.connection.borrow() {
            return Ok(connection.clone());
        }
        let mut connection = self.connection.subscribe();
        let wait = deadline.min(Instant::now() + CONNECTING);
        if let Ok(Ok(connection)) = timeout_at(wait, connection.wait_for(Option::is_some)).await {
            return Ok(connection.clone().expect("waited for one"));
        }
        let trouble = self.trouble.lock().expect("nothing panics while it holds the lock").clone();
        Err(Failure::Unavailable(trouble.unwrap_or_else(|| "not connected".to_owned())))
    }

    fn failure(&self, error: &RedisError, connection: &Connection) -> Failure {
        let text = self.config.describe(error);
        if takes_no_writes(error) {
            self.refuses.store(true, Ordering::Relaxed);
            self.set_trouble(Some(text.clone()));
            return Failure::Unavailable(text);
        }
        if error.is_io_error() || error.is_connection_dropped() || error.is_timeout() {
            self.suspect(connection);
            return Failure::Unknown(text);
        }
        match error.kind() {
            // The server refused: nothing was done.
            ErrorKind::Server(
                ServerErrorKind::ResponseError | ServerErrorKind::CrossSlot | ServerErrorKind::NoPerm,
            ) => match code(error) {
                Some("BUSY" | "LOADING") => Failure::Unavailable(text),
                Some("WRONGTYPE") => Failure::Foreign(text),
                _ => Failure::Broken(text),
            },
            ErrorKind::Server(_) | ErrorKind::ClusterConnectionNotFound => Failure::Unavailable(text),
            ErrorKind::Extension => match error.code() {
                Some("WRONGTYPE") => Failure::Foreign(text),
                _ => Failure::Unavailable(text),
            },
            ErrorKind::AuthenticationFailed => Failure::Unavailable(text),
            ErrorKind::Parse => {
                self.suspect(connection);
                Failure::Unknown(text)
            }
            _ => Failure::Broken(text),
        }
    }
}

/// Whether an error means that the server refuses writes: it is full (`maxmemory`), a replica,
/// cannot save, or lacks replicas.
fn takes_no_writes(error: &RedisError) -> bool {
    matches!(code(error), Some("OOM" | "READONLY" | "MISCONF" | "NOREPLICAS"))
}

/// The code of an error. If a command of a script fails, Redis before 7.0 has its code in the text
/// of another error:
/// `ERR Error running script (call to f_..): @user_script:1: @user_script: 1: -OOM command ..`.
fn code(error: &RedisError) -> Option<&str> {
    let of_script = || {
        let (_, place_and_text) = error.detail()?.rsplit_once("@user_script:")?;
        let (_, text) = place_and_text.split_once(": ")?;
        Some(text.split(' ').next()?.trim_start_matches('-'))
    };
    match error.detail() {
        Some(detail) if detail.starts_with("Error running script") => of_script(),
        _ => error.code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_command_that_failed_in_a_script_is_found_in_every_version() {
        let code_of = |text: &str| {
            let value = redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap();
            let error = value.extract_error().unwrap_err();
            (code(&error).map(str::to_owned), takes_no_writes(&error))
        };
        let old = "ERR Error running script (call to f_0a9f75e991): @user_script:1: ";
        for (text, expected, refused) in [
            (
                format!("{old}@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'."),
                "OOM",
                true,
            ),
            (
                format!("{old}@user_script: 1: -READONLY You can't write against a read only replica."),
                "READONLY",
                true,
            ),
            (
                format!("{old}WRONGTYPE Operation against a key holding the wrong kind of value"),
                "WRONGTYPE",
                false,
            ),
            (
                "READONLY You can't write against a read only replica. script: 0a9f".to_owned(),
                "READONLY",
                true,
            ),
        ] {
            assert_eq!(code_of(&text), (Some(expected.to_owned()), refused), "{text}");
        }
    }
}
