//! [`EventSource`](crate::EventSource) over ureq (feature `ureq`): URLs, headers, TLS, proxies, redirects.
//!
//! # Example
//!
//! ```no_run
//! use sse_blocking::{ClientEvent, EventSource};
//!
//! for event in EventSource::get("http://127.0.0.1:8080/events")? {
//!     match event? {
//!         ClientEvent::Open(head) => println!("open, {}", head.status),
//!         ClientEvent::Message(message) => println!("{}: {}", message.event(), message.data()),
//!         ClientEvent::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
