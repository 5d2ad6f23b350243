//! The states of an `EventSource`.
//!
//! ```text
//!          poll: Connect        handle_response            poll: Open
//!  ──▶ Due ───────────▶ Connecting ───────────▶ Accepted ───────────▶ Open ◀─┐ poll: NeedData,
//!       ▲                   │                      │                  │  │ └──┘ Frame
//!       │                   │ handle_error,        │ handle_error     │  │
//!       │                   │ a deadline,          │                  │  │ handle_eof, with an
//!       │                   │ Verdict::Retry       │  handle_eof,     │  │ event to deliver
//!       │                   ▼                      ▼  handle_error,   │  ▼
//!       │                 Lost ◀──────────────────────a clock ────────┘ Ending
//!       │                   │                                            │ poll: Frame
//!       │                   │ poll: Disconnected                         │
//!       │                   ▼                                            │
//!       └─────────────── Waiting ◀───────────────────────────────────────┘
//!      the delay is over            poll: Disconnected
//!
//!  from every state, by close(), a fatal error, a verdict, a limit, or for want of another attempt: ──▶ Closed
//! ```
//!
//! - Due: the request has to be sent, and the driver has not been given it yet.
//! - Connecting: the driver has the request to send.
//! - Accepted: the response is accepted, and `Open` has to be reported.
//! - Open: the body is read.
//! - Ending: the body ended, and an event without its blank line has to be delivered first.
//! - Lost: the connection ended, and `Disconnected` has to be reported.
//! - Waiting: the delay before the next attempt runs.
//! - Closed: the source is closed, for the reason that the state holds.
//!
//! A suspended source stays in Due or Waiting, and its polls return `Wait(None)`.

use core::time::Duration;

use super::connection::Connection;
use super::{Cause, CloseReason};
use crate::{Instant, Message};

#[derive(Debug)]
pub(super) enum State {
    Due,
    Connecting {
        /// The time at which the driver was first given the request.
        since: Instant,
    },
    Accepted,
    Open(Connection),
    Ending {
        event: Message,
        /// Whether the event was delivered to the application.
        delivered: bool,
    },
    Lost {
        cause: Cause,
        /// The wait that the response requested.
        retry_after: Option<Duration>,
    },
    Waiting {
        since: Instant,
        delay: Duration,
    },
    Closed(CloseReason),
}
