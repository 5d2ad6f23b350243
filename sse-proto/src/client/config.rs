//! What an [`EventSource`](crate::EventSource) is told once.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Liveness, ReconnectPolicy};
use crate::Limits;

/// Everything that an [`EventSource`](crate::EventSource) is told at its start.
///
/// The default is the client of the specification, with a backoff in place of its constant reconnection
/// time. Set what you need and take the rest from it:
///
/// ```
/// use core::time::Duration;
/// use sse_proto::{Config, Liveness};
///
/// let config = Config {
///     activity: Liveness::After(Duration::from_secs(45)),
///     retry_status: Config::TRANSIENT_STATUS.to_vec(),
///     ..Config::default()
/// };
/// # assert!(config.retry_status.contains(&503));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long to wait before the request is sent again, and when to stop trying.
    pub policy: ReconnectPolicy,
    /// Whether the request may be sent again at all. Default `None`: an adapter then goes by the method, `Always` if it
    /// is idempotent and else `Never`; the machine, which knows no method, takes it for `Always`.
    pub repeat: Option<Repeat>,
    /// Statuses that are worth another attempt, `Retry-After` honoured; see
    /// [`TRANSIENT_STATUS`](Self::TRANSIENT_STATUS). Default none: every status but 200 is final (9.2.3). What
    /// [`repeat`](Self::repeat) keeps from being sent again is not sent again for them either: a `POST` takes
    /// [`Repeat::IfRefused`].
    pub retry_status: Vec<u16>,
    /// Whether a 200 is read as an event stream whatever its content type says, or if it says nothing.
    /// `text/html` is refused all the same: it is the page of a proxy or a login. Default false.
    pub lenient_content_type: bool,
    /// How long a request may take until its response begins. Default 30 s; `None` for no limit.
    pub connect_timeout: Option<Duration>,
    /// After how much silence the connection counts as dead; comments are life. Default
    /// [`Liveness::Off`].
    pub activity: Liveness,
    /// How long to wait for an event, whatever else the server sends: is the producer alive behind its
    /// keep-alives? Default `None`, for no limit.
    pub event_timeout: Option<Duration>,
    /// The room that one event may take. Over a limit the source closes, unless
    /// [`Overflow::Skip`](crate::Overflow::Skip) is set: a new connection would be sent the same event.
    pub limits: Limits,
    /// Whether an event that lacks its blank line is delivered when the response ends cleanly. Default
    /// false: the specification discards it.
    pub flush: bool,
    /// The last event ID string to begin with, if events of an earlier run are not to be missed.
    pub last_event_id: String,
}

impl Config {
    /// The statuses that tell of a passing trouble: 408, 425, 429, 500, 502, 503, 504.
    pub const TRANSIENT_STATUS: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

    /// Takes the value of a `Last-Event-ID` header for the ID to begin with, unless there is one; what is not UTF-8 is none.
    ///
    /// An adapter moves the header here: left in the request, it would be sent again after the stream took the ID back.
    pub fn resume_after(&mut self, header: &[u8]) {
        if self.last_event_id.is_empty()
            && let Ok(id) = str::from_utf8(header)
        {
            self.last_event_id = id.into();
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: ReconnectPolicy::default(),
            repeat: None,
            retry_status: Vec::new(),
            lenient_content_type: false,
            connect_timeout: Some(Duration::from_secs(30)),
            activity: Liveness::Off,
            event_timeout: None,
            limits: Limits::default(),
            flush: false,
            last_event_id: String::new(),
        }
    }
}

/// Whether the request is sent again when a connection is lost, or could not be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// Once and never again, whatever happens: for methods that are not idempotent. The end of the
    /// response is the end.
    Never,
    /// If there is a last event ID to resume from, and a header can carry it.
    IfId,
    /// If it was refused by a status that [`Config::retry_status`] names, a 429 say, and so not carried out: for a `POST` that
    /// is not to be paid for twice. What was not answered, or broke off, is not sent again.
    IfRefused,
    /// Always: for GET and other idempotent methods.
    #[default]
    Always,
}
