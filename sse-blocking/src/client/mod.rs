//! [`EventSource`](crate::EventSource) over ureq (feature `ureq`): URLs, headers, TLS, proxies, redirects.

mod body;
mod builder;
mod error;
mod http;

pub use body::Body;
pub use builder::Builder;
pub use error::TransportError;
pub use http::{Head, Http};
pub use proto::RedirectError;
pub use ureq;
