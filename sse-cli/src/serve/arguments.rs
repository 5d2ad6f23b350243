//! Options of `sse serve`, and the check that their combination is safe.

use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sse_hub::{HistoryLimits, HubConfig, OnLag};

use super::access::AccessArguments;
use super::listen::address::Address;
use super::log::LogFormat;
#[cfg(feature = "redis")]
use super::secret::Secret;

/// Serve a hub: publish with POST /events/<topic>, follow with GET /events/<topic>
///
/// POST: the body is the event's data, JSON or text; the headers Sse-Event and Sse-Id give the
/// event's type and ID. With the content type application/vnd.sse+json the body is an object
/// {"data", "event", "id"}, or an array of them that is published together, all or none. The
/// response lists the IDs. A repetition with the same Idempotency-Key header publishes nothing and
/// gets the first response again.
///
/// GET: replays from the header Last-Event-ID or the query parameter lastEventId ("earliest" means
/// every kept event), then sends new events. An event of the type "gap" reports that earlier events
/// are no longer kept. The response header Last-Event-ID is the ID of the topic's newest event;
/// HEAD returns only that header.
///
/// GET /events?topic=a&topic=b follows up to 32 topics over one connection; the ID of each event
/// holds the place in all of them. With &label=type the topic is part of each event's type:
/// "a:price", or "a" for an event without a type.
///
/// A token is sent as Authorization: Bearer, as the query parameter access_token of GET and HEAD,
/// or as a cookie. A JSON Web Token (JWT) has the claims exp and sse, {"publish": [..],
/// "subscribe": [..]}: lists of topics such as "news", "news/*" (every topic that begins with
/// "news/") and "*" (every topic).
/// A stream ends when its JWT expires. The answer is 401 without a valid token, and 403 with a
/// valid token that lacks the right.
///
/// DELETE ends a topic: its streams end, and for the time of --ended-for the topic answers 204 to
/// GET and 410 to POST.
///
/// GET / is a page that shows a topic live. GET /topics lists the topics in use as JSON (parameters
/// after and limit). GET /healthz answers 200 while the process runs, GET /readyz 200 if events can
/// be published. GET /metrics is for Prometheus.
///
/// SIGHUP reads certificates, tokens and keys again. SIGTERM and SIGINT end the streams after their
/// last events, within --grace.
///
/// Exit codes: 0 after SIGTERM or SIGINT; 1 if the server could not start, because an address, a
/// file or the storage could not be used; 2 for invalid options, variables or keys of the file.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Address to listen on: 127.0.0.1:8080, [::]:8080, :8080 (every address), localhost:8080 (all
    /// addresses of the name), unix:/path, or systemd: (sockets passed by systemd); repeatable;
    /// port 0 means any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) listen: Vec<Address>,

    /// TOML file of options, named as here without the dashes; the command line and the environment
    /// (SSE_ and the name in capitals, such as SSE_MAX_BODY) take precedence
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Format of log lines on standard error; the variable RUST_LOG sets the level (default: info)
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,

    /// Certificate chain (PEM): serve HTTPS, with HTTP/2
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "TLS")]
    pub(super) cert: Option<PathBuf>,

    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "TLS")]
    pub(super) key: Option<PathBuf>,

    #[command(flatten)]
    pub(super) access: AccessArguments,

    /// Directory to keep events in, so that they survive a restart and a crash: a publish request
    /// is answered once its events are on the disk. The directory is created if it does not exist,
    /// readable only by this user, and used by one process at a time. Default: events are kept in
    /// memory
    #[cfg(feature = "disk")]
    #[arg(long, value_name = "DIR", help_heading = "Storage")]
    pub(super) data: Option<PathBuf>,

    /// Largest size of the directory in bytes, for all topics together; the oldest events are
    /// dropped first. With --data, --history-* limit what each topic has in memory, and
    /// --max-topics the topics in memory
    #[cfg(feature = "disk")]
    #[arg(long, value_name = "N", default_value_t = 1 << 30, requires = "data", help_heading = "Storage",
        value_parser = clap::value_parser!(u64).range(sse_hub::disk::DiskConfig::LEAST_BYTES..))]
    pub(super) data_bytes: u64,

    /// URL of a Redis or Valkey server to keep events in, so that all servers with this URL form
    /// one hub: redis://[user:password@]host[:port][/db], or rediss:// for TLS. --history-events,
    /// --history-bytes and --history-age then also set how much of each topic Redis keeps
    #[cfg(feature = "redis")]
    #[arg(long, value_name = "URL", help_heading = "Storage")]
    pub(super) redis: Option<Secret>,

    /// File with the URL for --redis, so that its password is not visible in the list of processes
    #[cfg(feature = "redis")]
    #[arg(long, value_name = "FILE", conflicts_with = "redis", help_heading = "Storage")]
    pub(super) redis_file: Option<PathBuf>,

    /// Prefix of all keys and channels in Redis
    #[cfg(feature = "redis")]
    #[arg(long, value_name = "TEXT", default_value = "sse:", help_heading = "Storage")]
    pub(super) redis_prefix: String,

    /// Number of events that a topic keeps
    #[arg(long, value_name = "N", value_parser = number::<usize>, default_value_t = HistoryLimits::default().events, help_heading = "Limits")]
    pub(super) history_events: usize,

    /// Bytes of events that a topic keeps
    #[arg(long, value_name = "N", value_parser = number::<usize>, default_value_t = HistoryLimits::default().bytes, help_heading = "Limits")]
    pub(super) history_bytes: usize,

    /// Seconds for which a topic keeps events
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>, default_value_t = HistoryLimits::default().age.as_secs(), help_heading = "Limits")]
    pub(super) history_age: u64,

    /// Largest number of topics at a time; subscribers can create at most half of them
    #[arg(long, value_name = "N", value_parser = positive::<usize>, default_value_t = HubConfig::default().max_topics, help_heading = "Limits")]
    pub(super) max_topics: usize,

    /// Largest number of subscribers of all topics; connections are limited to this and 256 more
    #[arg(long, value_name = "N", value_parser = positive::<usize>, default_value_t = 10_000, help_heading = "Limits")]
    pub(super) max_subscribers: usize,

    /// Largest body of a POST, in bytes
    #[arg(long, value_name = "N", value_parser = number::<usize>, default_value_t = 1 << 20, help_heading = "Limits")]
    pub(super) max_body: usize,

    /// Largest number of events per second that all clients together may publish; 0 for no limit
    #[arg(long, value_name = "N", value_parser = number::<u32>, default_value_t = 10_000, help_heading = "Limits")]
    pub(super) max_rate: u32,

    /// Seconds of silence after which a comment keeps connections open; 0 for no comments
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>, default_value_t = 15, help_heading = "Streams")]
    pub(super) keep_alive: u64,

    /// Send an event of this type instead of the comment, with empty data and without an ID, so
    /// that pages see it: source.addEventListener("TYPE", ..). The event is not kept, and does not
    /// change where clients resume
    #[arg(long, value_name = "TYPE", value_parser = heartbeat_type, help_heading = "Streams")]
    pub(super) heartbeat: Option<String>,

    /// Milliseconds that clients wait before they reconnect
    #[arg(long, value_name = "MS", value_parser = number::<u64>, default_value_t = 3000, help_heading = "Streams")]
    pub(super) retry: u64,

    /// Milliseconds by which clients whose stream the server ends reconnect later, at random, so
    /// that they do not all return at once; by default as much as --retry
    #[arg(long, value_name = "MS", value_parser = number::<u64>, help_heading = "Streams")]
    pub(super) retry_spread: Option<u64>,

    /// Seconds after which a stream ends between two events, so that its client reconnects, perhaps
    /// to another server; up to a tenth earlier, at random; 0 for never
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>, default_value_t = 0, help_heading = "Streams")]
    pub(super) max_age: u64,

    /// Seconds for which a topic that was ended with DELETE refuses publishers and subscribers
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>, default_value_t = 60, help_heading = "Streams")]
    pub(super) ended_for: u64,

    /// Handling of a subscriber that is so slow that its next event is no longer kept
    #[arg(long, value_enum, value_name = "ACTION", default_value_t = SlowArgument::SendGap, help_heading = "Streams")]
    pub(super) slow: SlowArgument,

    /// Seconds that a connection without a request stays open. Set it longer than load balancers
    /// and publishers keep idle connections; HTTP/1.1 announces it, and HTTP/2 sends GOAWAY first
    #[arg(long, value_name = "SECONDS", value_parser = positive::<u64>, default_value_t = 75, help_heading = "Limits")]
    pub(super) idle_timeout: u64,

    /// Seconds that clients have, at shutdown, to receive their last events
    #[arg(long, value_name = "SECONDS", value_parser = number::<u64>, default_value_t = 5, help_heading = "Streams")]
    pub(super) grace: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SlowArgument {
    /// Send a gap event, and continue with the oldest kept event
    #[value(alias = "tell")]
    SendGap,
    /// End the subscriber's stream
    Disconnect,
}

/// Parses a number. The messages of the standard library speak of digits and types.
fn number<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => "the number is too large",
        _ => "write a whole number in digits, such as 1000",
    })
}

/// Parses a number that cannot be 0.
fn positive<N: FromStr<Err = ParseIntError> + Default + PartialEq>(text: &str) -> Result<N, &'static str> {
    match number(text)? {
        zero if zero == N::default() => Err("0 would leave the server without use: write 1 or more"),
        number => Ok(number),
    }
}

/// Parses the type of a heartbeat; types with another meaning for a client are refused.
fn heartbeat_type(kind: &str) -> Result<String, String> {
    let config = HubConfig::default().with_heartbeat(kind);
    config.map(|_| kind.to_owned()).map_err(|error| error.to_string())
}

impl Arguments {
    /// Returns an error for unsafe settings that are not explicitly allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.cert.is_some() != self.key.is_some() {
            return Err("--cert and --key go together".to_owned());
        }
        #[cfg(all(feature = "disk", feature = "redis"))]
        if self.data.is_some() && (self.redis.is_some() || self.redis_file.is_some()) {
            return Err(
                "--data and --redis or --redis-file both keep the events: give one of them".to_owned()
            );
        }
        if self.heartbeat.is_some() && self.keep_alive == 0 {
            return Err(
                "--heartbeat needs a time between two of them: set --keep-alive to a number of seconds"
                    .to_owned(),
            );
        }
        self.access.check(self.is_local())
    }

    /// The clients that may publish and that may follow, for the log.
    pub(super) fn rights(&self) -> [&'static str; 2] {
        self.access.rights(self.is_local())
    }

    /// Whether only this machine can reach the server.
    fn is_local(&self) -> bool {
        self.listen.iter().all(Address::is_loopback)
    }

    pub(super) fn hub(&self) -> HubConfig {
        let history = HistoryLimits::new()
            .with_events(self.history_events)
            .with_bytes(self.history_bytes)
            .with_age(Duration::from_secs(self.history_age));
        let keep_alive = match self.keep_alive {
            0 => Duration::MAX,
            seconds => Duration::from_secs(seconds),
        };
        let on_lag = match self.slow {
            SlowArgument::SendGap => OnLag::SendGap,
            SlowArgument::Disconnect => OnLag::Disconnect,
        };
        let config = HubConfig::default()
            .with_history(history)
            .with_keep_alive(keep_alive)
            .with_retry(self.reconnection_time())
            .with_on_lag(on_lag)
            .with_retry_spread(Duration::from_millis(self.retry_spread.unwrap_or(self.retry)))
            .with_ended_for(Duration::from_secs(self.ended_for))
            .with_max_topics(self.max_topics)
            .with_max_subscribers(self.max_subscribers);
        let config = match &self.heartbeat {
            Some(kind) => {
                config.with_heartbeat(kind).expect("the parser of the argument has checked the type")
            }
            None => config,
        };
        match self.max_age {
            0 => config,
            seconds => config.with_max_age(Duration::from_secs(seconds)),
        }
    }

    pub(super) fn reconnection_time(&self) -> Duration {
        Duration::from_millis(self.retry)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Serve {
        #[command(flatten)]
        arguments: Arguments,
    }

    /// Parses the arguments after `sse serve`.
    pub(in crate::serve) fn parse(arguments: &[&str]) -> Arguments {
        Serve::parse_from(["serve"].iter().chain(arguments)).arguments
    }

    #[test]
    fn types_with_another_meaning_for_clients_are_refused_as_heartbeats() {
        assert_eq!(heartbeat_type("alive"), Ok("alive".to_owned()));
        for wrong in ["", "gap", "error", "open", "message", "a\nb", "a\rb"] {
            assert!(heartbeat_type(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(&["--heartbeat", "alive", "--keep-alive", "0"]).check().is_err());
    }

    #[test]
    fn a_number_that_is_refused_says_what_is_wanted() {
        assert_eq!(number::<u32>("10"), Ok(10));
        for wrong in ["", "x", "1e9", "1.5", "-1", "1_000"] {
            assert!(number::<usize>(wrong).is_err_and(|error| error.contains("whole number")), "{wrong}");
        }
        assert_eq!(number::<u32>("4294967296"), Err("the number is too large"));
        assert!(positive::<u64>("0").is_err() && positive::<u64>("1") == Ok(1));
    }

    #[test]
    fn rights_name_who_may_publish_and_who_may_follow() {
        let key = ["--jwt-key", "0123456789abcdef0123456789abcdef"];
        for (arguments, publishers, followers) in [
            (&[][..], "anyone on this machine", "anyone on this machine"),
            (&["--host", "events.example"], "anyone", "anyone"),
            (&["--listen", ":8080", "--publish-token", "p"], "holders of the token", "anyone"),
            (&["--listen", ":8080", "--anyone-may-publish"], "anyone", "anyone"),
            (&key, "holders of a JWT", "holders of a JWT"),
            (&[&key[..], &["--anyone-may-subscribe"]].concat(), "holders of a JWT", "anyone on this machine"),
            (
                &[&key[..], &["--subscribe-token-file", "f"]].concat(),
                "holders of a JWT",
                "holders of the token or of a JWT",
            ),
        ] {
            assert_eq!(parse(arguments).rights(), [publishers, followers], "{arguments:?}");
        }
    }

    #[test]
    fn a_keep_alive_of_0_sends_no_comments() {
        let keep_alive = |seconds| parse(&["--keep-alive", seconds]).hub().keep_alive;
        assert_eq!(keep_alive("1"), Duration::from_secs(1));
        assert_eq!(keep_alive("0"), Duration::MAX, "not one every millisecond");
    }
}
