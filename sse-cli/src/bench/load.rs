//! Load generator: holds many subscribers of a hub on one thread, publishes, and checks what each
//! of them received.
//!
//! | module | part |
//! |---|---|
//! | `subscribers` | connects, and waits for readable sockets |
//! | `socket` | limit of open files, and source addresses |
//! | `subscriber` | one connection: request, head, body, events |
//! | `response` | head of an HTTP/1 response, and its framing |
//! | `marker` | number and time inside the data of an event |
//! | `counts` | sums of one turn |
//! | `ledger` | detects events that are lost, repeated or out of order |
//! | `turn` | one measurement: bursts or a rate, until the time is over |
//! | `publisher` | publishes by `POST` |
//! | `process` | CPU and memory of a process |
//!
//! This module uses nothing of the rest of the command, because `benches/server` compiles it too.

mod counts;
mod ledger;
mod marker;
mod process;
mod publisher;
mod response;
mod socket;
mod subscriber;
mod subscribers;
mod turn;

pub(crate) use marker::MARKER_LEN;
pub(crate) use process::Usage;
pub(crate) use publisher::{HttpPublisher, Template};
pub(crate) use subscribers::{ConnectError, Subscribers, Target, Watch};
pub(crate) use turn::{Pace, Plan, Publish, Turn};
