//! Client half of 9.2: connecting, validating responses, retrying.

mod config;
mod connection;
mod event;
mod liveness;
mod machine;
mod output;
mod reason;
mod reconnect;
mod response;
mod retry_after;
mod state;
mod url;
mod verdict;

pub use config::{Config, Repeat};
pub use event::{ClientEvent, ClientEventRef, Closed, Loss};
pub use liveness::Liveness;
pub use machine::EventSource;
pub use output::{Output, Polled, Progress, ReadyState, Request};
pub use reason::{Cause, CloseReason, ErrorKind};
pub use reconnect::{Jitter, ReconnectPolicy};
pub use response::{ContentCoding, ResponseHead};
pub use url::basic_authorization;
pub use verdict::{Verdict, is_event_stream};
