//! The client: hyper, rustls and async-io under the core's `EventSource`.

mod builder;
mod connect;
mod error;
mod fair;
mod proxy;
mod source;
#[cfg(feature = "rustls")]
mod tls;
mod transport;

pub use builder::Builder;
pub use error::{Error, TransportError};
pub use proto::RedirectError;
pub use source::{Event, EventRef, EventSource};
pub use transport::{Body, Head};
