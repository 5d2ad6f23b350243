//! The scenarios of a client, over real sockets: one suite for every runtime.
//!
//! The test that includes this module has a function `follow(&Ask, &mut dyn FnMut(Seen) -> bool)`
//! at its root, which runs a client of its runtime until it ends, or until the closure has seen
//! enough: [`tell`] does.
#![allow(clippy::unwrap_used)]

mod data;
mod hostile;
mod redirect;
mod response;
mod resume;
mod timeouts;

use std::fmt::Debug;
use std::time::Duration;

use http::HeaderMap;
use proto::{Cause, ClientEvent, CloseReason, Config, Jitter, ReconnectPolicy};

/// The client that a test asks for.
pub(crate) struct Ask {
    pub(crate) url: String,
    pub(crate) config: Config,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// Headers that may go to another origin.
    pub(crate) forward: Vec<&'static str>,
    /// The query parameter that the last event ID goes in.
    pub(crate) id_parameter: Option<&'static str>,
    /// Makes it a `POST`.
    pub(crate) body: Option<&'static str>,
}

/// Builds the client that a test asks for. The builders of all runtimes have the same methods, but
/// no trait.
macro_rules! build {
    ($ask:expr, $source:ident, $method:ident, $header_name:ident) => {{
        let ask: &Ask = $ask;
        let mut builder = $source::builder(&ask.url).config(ask.config.clone());
        for &(name, value) in &ask.headers {
            builder = builder.header(name, value);
        }
        for &name in &ask.forward {
            builder = builder.forward_header($header_name::from_static(name));
        }
        if let Some(name) = ask.id_parameter {
            builder = builder.last_event_id_parameter(name);
        }
        if let Some(body) = ask.body {
            builder = builder.method($method::POST).body(body);
        }
        builder.build().unwrap()
    }};
}
pub(crate) use build;

/// Tells what `next` says until it ends, or until `seen` has seen enough.
pub(crate) fn tell(seen: &mut dyn FnMut(Seen) -> bool, mut next: impl FnMut() -> Option<Seen>) {
    while let Some(item) = next() {
        let closed = matches!(item, Seen::Closed(_));
        if seen(item) {
            return;
        }
        if closed {
            assert_eq!(next(), None, "after an error");
            return;
        }
    }
    assert_eq!(next(), None, "after the end");
    seen(Seen::End);
}

/// What a client said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Open(u16),
    Event {
        event: String,
        data: String,
        id: String,
    },
    Disconnected {
        cause: Cause,
        delay: Duration,
    },
    /// An error, which was the last item.
    Closed(CloseReason),
    /// The end, without an error.
    End,
    /// A comment, a `retry`, a skipped event.
    Other,
}

impl Seen {
    /// An item of a client, given how to read its head and its error.
    pub(crate) fn of<H: Debug, E: Debug, F: Debug>(
        item: Result<ClientEvent<H, E>, F>,
        head: impl Fn(H) -> (u16, HeaderMap),
        reason: impl Fn(F) -> CloseReason,
    ) -> Self {
        let printed = format!("{item:?}");
        assert!(!printed.contains("secret"), "it would end in a log: {printed}");
        match item {
            Ok(ClientEvent::Open(opened)) => {
                let (status, headers) = head(*opened);
                assert!(!headers.contains_key("x-interim"), "a header of an interim response");
                Self::Open(status)
            }
            Ok(ClientEvent::Message(message)) => Self::Event {
                event: message.event().into(),
                data: message.data().into(),
                id: message.id().into(),
            },
            Ok(ClientEvent::Disconnected { cause, delay, .. }) => {
                Self::Disconnected { cause: cause.cause(), delay }
            }
            Ok(_) => Self::Other,
            Err(error) => Self::Closed(reason(error)),
        }
    }
}

fn ask(url: String) -> Ask {
    // Bounded, so that a test ends whose server is gone because it failed.
    let policy = ReconnectPolicy::default()
        .with_initial(Duration::from_millis(1))
        .with_factor(1)
        .with_jitter(Jitter::None)
        .with_retry_min(Duration::from_millis(1))
        .with_max_attempts(100);
    let config = Config::default().with_policy(policy);
    Ask { url, config, headers: Vec::new(), forward: Vec::new(), id_parameter: None, body: None }
}

/// Everything that a client says until it ends.
fn all(ask: &Ask) -> Vec<Seen> {
    let mut seen = Vec::new();
    crate::follow(ask, &mut |item| {
        seen.push(item);
        false
    });
    seen
}

fn data(seen: &[Seen]) -> Vec<&str> {
    let mut all = Vec::new();
    for item in seen {
        if let Seen::Event { data, .. } = item {
            all.push(data.as_str());
        }
    }
    all
}

fn causes(seen: &[Seen]) -> Vec<Cause> {
    let mut all = Vec::new();
    for item in seen {
        if let Seen::Disconnected { cause, .. } = item {
            all.push(*cause);
        }
    }
    all
}
