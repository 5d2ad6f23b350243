//! What a client has to get right, over real sockets: one suite for every runtime.
//!
//! The test that includes this module has a function `follow(&Ask, &mut dyn FnMut(Seen) -> bool)` at its root,
//! which runs a client of its runtime until it ends, or until the closure has seen enough.
#![allow(clippy::unwrap_used)]

mod redirect;
mod response;
mod resume;
mod server;
mod timeouts;

use std::time::Duration;

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
    pub(crate) fn of<H, E>(event: ClientEvent<H, E>, status: impl Fn(H) -> u16) -> Self {
        match event {
            ClientEvent::Open(head) => Self::Open(status(head)),
            ClientEvent::Message(message) => Self::Event {
                event: message.event().into(),
                data: message.data().into(),
                id: message.id().into(),
            },
            ClientEvent::Disconnected { cause, delay, .. } => Self::Disconnected { cause, delay },
            _ => Self::Other,
        }
    }
}

fn ask(url: String) -> Ask {
    let policy = ReconnectPolicy {
        initial: Duration::from_millis(1),
        factor: 1,
        jitter: Jitter::None,
        retry_min: Duration::from_millis(1),
        ..ReconnectPolicy::default()
    };
    let config = Config { policy, ..Config::default() };
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
