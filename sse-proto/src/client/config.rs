//! Settings of an [`EventSource`](crate::EventSource).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use smallvec::SmallVec;

use super::{Liveness, ReconnectPolicy};
use crate::Limits;

/// Settings of an [`EventSource`](crate::EventSource).
///
/// The default is the client of the specification, with a backoff in place of its constant
/// reconnection time. Each setting has a setter `with_..` and a getter of its name:
///
/// ```
/// use core::time::Duration;
/// use sse_proto::Config;
///
/// let config = Config::default()
///     .with_idle_timeout(Duration::from_secs(45))
///     .with_retry_status(Config::TRANSIENT_STATUS);
/// assert!(config.retry_status().contains(&503));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) policy: ReconnectPolicy,
    pub(super) repeat: Option<Repeat>,
    /// Statuses that are retried. The 13 of `TRANSIENT_STATUS` fit inline, so they take no
    /// allocation.
    pub(super) retry_status: SmallVec<[u16; 16]>,
    pub(super) lenient_content_type: bool,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) head_timeout: Option<Duration>,
    pub(super) refused_body_timeout: Duration,
    pub(super) idle_timeout: Liveness,
    pub(super) event_timeout: Option<Duration>,
    pub(super) heartbeat_events: Vec<String>,
    pub(super) limits: Limits,
    pub(super) deliver_unterminated: bool,
    pub(super) diagnostics: bool,
    pub(super) last_event_id: String,
}

impl Config {
    /// Statuses of a temporary failure: 408, 425, 429, 500, 502, 503, 504; 520 to 524 (Cloudflare);
    /// 529 (Anthropic).
    pub const TRANSIENT_STATUS: [u16; 13] = [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529];

    /// Sets how long to wait before the request is sent again, and when to stop trying. Default:
    /// [`ReconnectPolicy::default`].
    #[must_use]
    pub fn with_policy(mut self, policy: ReconnectPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets whether the request may be sent again. Default `None`: an adapter then decides by the
    /// method, `Always` if the method is idempotent, otherwise `Never`; the machine, which knows no
    /// method, reads `None` as `Always`.
    #[must_use]
    pub fn with_repeat(mut self, repeat: impl Into<Option<Repeat>>) -> Self {
        self.repeat = repeat.into();
        self
    }

    /// Sets the statuses that are retried, after `Retry-After` if the response has it; see
    /// [`TRANSIENT_STATUS`](Self::TRANSIENT_STATUS). By default none is: every status other than
    /// 200 is final (9.2.3).
    ///
    /// These statuses are retried only if [`repeat`](Self::with_repeat) allows it; for a `POST` set
    /// [`Repeat::IfRefused`].
    #[must_use]
    pub fn with_retry_status(mut self, status: impl IntoIterator<Item = u16>) -> Self {
        self.retry_status = status.into_iter().collect();
        self
    }

    /// Sets whether a 200 is read as an event stream whatever its content type, or without one.
    /// `text/html` is still rejected: it is the page of a proxy or a login. Default false.
    #[must_use]
    pub fn with_lenient_content_type(mut self, lenient: bool) -> Self {
        self.lenient_content_type = lenient;
        self
    }

    /// Sets how long a connection may take until it is established (name, socket, TLS). Default 10
    /// s; `None` for no limit.
    ///
    /// The machine sees no sockets: the transport keeps this limit and reports
    /// [`ErrorKind::ConnectTimeout`](crate::ErrorKind::ConnectTimeout).
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.connect_timeout = timeout.into();
        self
    }

    /// Sets how long a request may take from when it is sent until the head of its response has
    /// arrived; redirects count. Connecting has [its own limit](Self::with_connect_timeout), and
    /// counts only if that is off or if the HTTP client does not tell when it is connected. Default
    /// 120 s, because a large model may compute that long before it answers; `None` for no limit.
    #[must_use]
    pub fn with_head_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.head_timeout = timeout.into();
        self
    }

    /// Sets how long the client reads the beginning of a refused response, at most 64 KiB, before
    /// it decides about the response. Default 1 s.
    ///
    /// The machine reads no bodies: the transport keeps this limit. Bytes that arrived until then
    /// are kept, for hooks and errors. A blocking client closes the connection at the limit, so the
    /// rest of the body is lost there; an asynchronous one can read on.
    #[must_use]
    pub fn with_refused_body_timeout(mut self, timeout: Duration) -> Self {
        self.refused_body_timeout = timeout;
        self
    }

    /// Sets after how much silence an open connection counts as dead; comments count as data.
    /// Default [`Liveness::Off`].
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: impl Into<Liveness>) -> Self {
        self.idle_timeout = timeout.into();
        self
    }

    /// Sets how long to wait for an event, whatever else the server sends: keep-alives do not show
    /// that the producer behind them is alive, and [heartbeat events](Self::with_heartbeat_events)
    /// do not show it either. Default `None`, for no limit.
    #[must_use]
    pub fn with_event_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.event_timeout = timeout.into();
        self
    }

    /// Sets the types of events that are only keep-alives, for example `ping`. Such events are
    /// still delivered, but count as comments for [`event_timeout`](Self::with_event_timeout) and
    /// [`idle_timeout`](Self::with_idle_timeout). By default there are none.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sse_proto::Config;
    ///
    /// // A minute without `content_block_delta` and the like is too long, however many pings come.
    /// let config =
    ///     Config::default().with_event_timeout(Duration::from_secs(60)).with_heartbeat_events(["ping"]);
    /// assert_eq!(config.heartbeat_events(), ["ping"]);
    /// ```
    #[must_use]
    pub fn with_heartbeat_events(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.heartbeat_events = types.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how much memory one event may take. An event over a limit closes the source, because a
    /// new connection would be sent the same event; with [`Overflow::Skip`](crate::Overflow::Skip)
    /// the event is skipped and the source goes on. Default: [`Limits::default`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether an event without its blank line is delivered when the response ends cleanly.
    /// Default false: the specification discards it (9.2.6).
    #[must_use]
    pub fn with_deliver_unterminated(mut self, deliver: bool) -> Self {
        self.deliver_unterminated = deliver;
        self
    }

    /// Sets whether lines that the specification ignores are reported, as
    /// [`Frame::Ignored`](crate::Frame::Ignored): for example a bare JSON error in the middle of a
    /// stream. 9.2.10 asks for such diagnostics. Default false.
    #[must_use]
    pub fn with_diagnostics(mut self, diagnostics: bool) -> Self {
        self.diagnostics = diagnostics;
        self
    }

    /// Sets the last event ID to begin with, to resume where an earlier run stopped. Default:
    /// empty, for none.
    #[must_use]
    pub fn with_last_event_id(mut self, id: impl Into<String>) -> Self {
        self.last_event_id = id.into();
        self
    }

    /// Takes the value of a `Last-Event-ID` header as the ID to begin with, unless one is set; a
    /// value that is not UTF-8 is ignored.
    ///
    /// An adapter moves the header here: left in the request, it would be sent again after the
    /// stream has cleared the ID.
    pub fn resume_after(&mut self, header: &[u8]) {
        if self.last_event_id.is_empty()
            && let Ok(id) = str::from_utf8(header)
        {
            self.last_event_id = id.into();
        }
    }

    /// When and how often the request is sent again after a failure.
    pub fn policy(&self) -> ReconnectPolicy {
        self.policy
    }

    /// Whether the request may be sent again; `None` if the request's method decides.
    pub fn repeat(&self) -> Option<Repeat> {
        self.repeat
    }

    /// The statuses that are retried.
    pub fn retry_status(&self) -> &[u16] {
        &self.retry_status
    }

    /// Whether the content type of a 200 is not checked.
    pub fn lenient_content_type(&self) -> bool {
        self.lenient_content_type
    }

    /// How long a connection may take until it is established.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// How long a request may take until the head of its response is there.
    pub fn head_timeout(&self) -> Option<Duration> {
        self.head_timeout
    }

    /// How long the beginning of a refused response is read.
    pub fn refused_body_timeout(&self) -> Duration {
        self.refused_body_timeout
    }

    /// After how much silence an open connection counts as dead.
    pub fn idle_timeout(&self) -> Liveness {
        self.idle_timeout
    }

    /// How long an open connection may last without an event; `None` for no limit.
    pub fn event_timeout(&self) -> Option<Duration> {
        self.event_timeout
    }

    /// The types of events that count as keep-alives.
    pub fn heartbeat_events(&self) -> &[String] {
        &self.heartbeat_events
    }

    /// How much memory one event may take.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether an event without its blank line is delivered when the response ends cleanly.
    pub fn deliver_unterminated(&self) -> bool {
        self.deliver_unterminated
    }

    /// Whether lines that the specification ignores are reported.
    pub fn diagnostics(&self) -> bool {
        self.diagnostics
    }

    /// The last event ID to begin with; empty for none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: ReconnectPolicy::default(),
            repeat: None,
            retry_status: SmallVec::new(),
            lenient_content_type: false,
            connect_timeout: Some(Duration::from_secs(10)),
            head_timeout: Some(Duration::from_secs(120)),
            refused_body_timeout: Duration::from_secs(1),
            idle_timeout: Liveness::Off,
            event_timeout: None,
            heartbeat_events: Vec::new(),
            limits: Limits::default(),
            deliver_unterminated: false,
            diagnostics: false,
            last_event_id: String::new(),
        }
    }
}

/// Whether the request is sent again when a connection is lost, or could not be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// The request is sent once, whatever happens, and the end of its response closes the source:
    /// for methods that are not idempotent.
    Never,
    /// The request is sent again if there is a last event ID to resume from, and a header can carry
    /// it.
    IfResumable,
    /// The request is sent again if the server certainly did not carry it out: the server refused
    /// it with a status of [`Config::retry_status`], such as 429, or the request was [not
    /// sent](crate::ErrorKind::NotSent). For a `POST` that must not be paid for twice: a request
    /// that got no answer, or whose response broke off, is not sent again.
    IfRefused,
    /// The request is always sent again: for `GET` and other idempotent methods.
    #[default]
    Always,
}
