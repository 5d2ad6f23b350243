//! The client: reqwest and tokio's timer under the core's `EventSource`.

mod builder;
mod error;
mod redirect;
mod source;
mod trace;
mod transport;

pub use builder::Builder;
pub use error::{Error, TransportError};
pub use proto::RedirectError;
pub use source::{Event, EventRef, EventSource};
pub use transport::{Body, Head};
