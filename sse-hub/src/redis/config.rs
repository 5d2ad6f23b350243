//! Settings of the Redis log.

use std::fmt;
use std::time::Duration;

use proto::HistoryLimits;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError};

/// Settings of a [`RedisLog`](super::RedisLog): its server, and how many events it keeps.
///
/// The password of the URL appears in no error, log line or `Debug` output.
#[derive(Clone)]
pub struct RedisConfig {
    pub(super) server: ConnectionInfo,
    pub(super) prefix: String,
    pub(super) keep: HistoryLimits,
}

impl RedisConfig {
    /// Settings for the server at `url`: `redis://[user:password@]host[:port][/db]`, `rediss://..`
    /// for TLS, or `unix:/path`.
    ///
    /// # Errors
    ///
    /// [`InvalidRedisUrl`] if `url` has another form.
    pub fn new(url: &str) -> Result<Self, InvalidRedisUrl> {
        let server = url.into_connection_info().map_err(|error| InvalidRedisUrl(reason(&error)))?;
        // RESP2, whatever the URL says: subscriptions have a connection of their own.
        let settings = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        // Otherwise a command waits until the server has confirmed the one before.
        let tcp = server.tcp_settings().clone().set_nodelay(true);
        let server = server.set_redis_settings(settings).set_tcp_settings(tcp);
        Ok(Self { server, prefix: "sse:".to_owned(), keep: HistoryLimits::default() })
    }

    /// Sets the prefix of all keys and channels; `sse:` by default. Hubs with different prefixes
    /// share nothing.
    ///
    /// Braces are replaced by parentheses: a brace in the prefix would put all topics into one slot
    /// of a Redis Cluster.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.replace('{', "(").replace('}', ")");
        self
    }

    /// Sets how many events of each topic Redis keeps; see [`HistoryLimits`] for the defaults.
    ///
    /// Trimming is approximate: up to a sixteenth more bytes and time, and up to 256 more events.
    #[must_use]
    pub fn keep(mut self, keep: HistoryLimits) -> Self {
        let (shortest, longest) = (Duration::from_secs(1), Duration::from_secs(10 * 365 * 86400));
        self.keep = keep
            // Redis has signed numbers.
            .with_events(keep.events.clamp(1, isize::MAX as usize))
            .with_bytes(keep.bytes.max(1))
            .with_age(keep.age.clamp(shortest, longest));
        self
    }

    /// The text of an error, without the password, even if the server quoted it.
    pub(super) fn describe(&self, error: &RedisError) -> String {
        let text = error.to_string();
        match self.server.redis_settings().password().filter(|password| !password.is_empty()) {
            Some(password) => text.replace(password, "***"),
            None => text,
        }
    }

    /// The text for a connection that is not made in time.
    pub(super) fn describe_slow_connect(&self) -> String {
        let hint = match self.server.addr() {
            // A server without TLS waits for more of what it takes for a command.
            ConnectionAddr::TcpTls { .. } => ": does the server expect TLS on this port?",
            _ => "",
        };
        format!("connecting takes too long{hint}")
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("server", &format_args!("{}", self.server.addr()))
            .field("prefix", &self.prefix)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// The URL of a Redis server is not valid. The message does not quote the URL, because it may
/// contain a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRedisUrl(String);

/// The `redis` crate's own part of an error text, without quotations.
fn reason(error: &RedisError) -> String {
    let text = error.to_string();
    text.split([':', '-']).next().unwrap_or_default().trim().to_owned()
}

impl fmt::Display for InvalidRedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = "redis://[user:password@]host[:port][/db], or rediss:// for TLS";
        write!(f, "invalid Redis URL ({}): write {wanted}", self.0)
    }
}

impl std::error::Error for InvalidRedisUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_neither_debug_output_nor_errors() {
        let config = RedisConfig::new("redis://user:hunter2@example.com:7000/3").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("example.com:7000"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let error = RedisError::from((redis::ErrorKind::Extension, "refused", "AUTH hunter2".to_owned()));
        assert!(!config.describe(&error).contains("hunter2"));

        for url in
            ["http://user:hunter2@example.com", "redis://user:hunter2@", "redis://u:hunter2@h/x", "hunter2"]
        {
            let error = RedisConfig::new(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn tls_urls_are_accepted() {
        for url in [
            "rediss://example.com",
            "redis://localhost",
            "valkey://localhost:7000/1",
            "unix:///run/redis.sock",
        ] {
            assert!(RedisConfig::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn braces_in_a_prefix_do_not_make_a_hash_tag() {
        let config = RedisConfig::new("redis://localhost").unwrap().prefix("{app}:");
        assert_eq!(config.prefix, "(app):");
    }
}
