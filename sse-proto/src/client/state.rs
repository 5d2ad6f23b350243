//! The states of an `EventSource`.
//!
//! ```text
//!               handle_response               poll: Open
//!  ──▶ Connecting ─────────────▶ Accepted ──────────────────▶ Open ◀─┐ poll: NeedData, Event,
//!       ▲      │                    │                         │  │ └──┘ Comment, Retry, Skipped
//!       │      │ handle_error,      │ handle_error            │  │
//!       │      │ a deadline,        │                         │  │ handle_eof, with
//!       │      │ Verdict::Retry     │   handle_eof,           │  │ an event to flush
//!       │      ▼                    ▼   handle_error, a clock │  ▼
//!       │     Lost ◀──────────────────────────────────────────┘ Ending
//!       │      │                                                 │ poll: Event
//!       │      │ poll: Disconnected                              │
//!       │      ▼                                                 │
//!       └── Waiting ◀────────────────────────────────────────────┘
//!      the delay         poll: Disconnected
//!      is over
//!
//!  from every state, by close(), a fatal error, a verdict, a limit, or for want of another attempt: ──▶ Closed
//! ```
//!
//! - Connecting: the request has to be sent, or is under way.
//! - Accepted: the response is believed, the application not yet told.
//! - Open: the body is read.
//! - Ending: the body ended, and an event without its blank line has to be delivered first.
//! - Lost: there is no connection any more, the application not yet told.
//! - Waiting: the delay before the next attempt runs.
//! - Closed: it is over, for the reason that it holds.
//!
//! A suspended source stays in Connecting or Waiting and asks for nothing.

use alloc::boxed::Box;
use core::time::Duration;

use super::connection::Connection;
use super::{Cause, CloseReason};
use crate::{Instant, Message};

#[derive(Debug)]
pub(super) enum State {
    /// Since the driver was first asked; `None` if it was not yet.
    Connecting(Option<Instant>),
    Accepted,
    Open(Box<Connection>),
    Ending {
        event: Message,
        /// Whether the application has the event.
        told: bool,
    },
    Lost {
        cause: Cause,
        /// What the response asked for.
        retry_after: Option<Duration>,
    },
    Waiting {
        since: Instant,
        delay: Duration,
    },
    Closed(CloseReason),
}
