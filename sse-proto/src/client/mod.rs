//! When to connect, whom to believe, how long to wait: the client half of 9.2.

mod config;
mod connection;
mod event;
mod liveness;
mod machine;
mod output;
mod reconnect;
mod redirect;
mod retry_after;
mod state;
mod url;
mod verdict;

pub use config::{Config, Repeat};
pub use event::{ClientEvent, ClientEventRef, Closed};
pub use liveness::Liveness;
pub use machine::EventSource;
pub use output::{Cause, CloseReason, ErrorKind, Output, Progress, ReadyState, Request};
pub use reconnect::{Jitter, ReconnectPolicy};
pub use redirect::{Redirect, RedirectError, Redirects};
pub use url::basic_authorization;
pub use verdict::{ResponseHead, Verdict, is_event_stream};
