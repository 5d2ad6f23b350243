//! Drop-in replacement of `reqwest-eventsource` 0.6: the same items, on the protocol of
//! `sse-proto`.
//!
//! Change one line of `Cargo.toml` and nothing else; `sse-reqwest-eventsource` is for reqwest 0.12,
//! and `sse-reqwest-eventsource-013` has the same source for reqwest 0.13:
//!
//! ```toml
//! reqwest-eventsource = { package = "sse-reqwest-eventsource", version = "0.1" }
//! ```
//!
//! If `eventsource-stream` is a dependency too, change it in the same way
//! (`sse-eventsource-stream`): the two share the type of a message.
//!
//! # Example
//!
//! ```no_run
//! use futures_util::StreamExt;
//! # use sse_reqwest_eventsource as reqwest_eventsource;
//! use reqwest_eventsource::{Event, EventSource};
//!
//! # async fn follow() {
//! let mut source = EventSource::get("http://localhost:8000/events");
//! while let Some(event) = source.next().await {
//!     match event {
//!         Ok(Event::Open) => println!("connected"),
//!         Ok(Event::Message(message)) => println!("{}: {}", message.event, message.data),
//!         Err(error) => {
//!             println!("{error}"); // the source reconnects, unless it is closed
//!             source.close();
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! # What is different
//!
//! Streams are read as WHATWG HTML 9.2 says, event IDs survive, and `max_retries` is honoured.
//! `MIGRATION.md` in the repository lists every difference. As before, a `POST` is sent again when
//! its response ends, unless the policy is [`retry::Never`], and no limits apply: an event takes as
//! much memory as the peer sends.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod event;
mod request;
pub mod retry;
mod source;

pub use error::{CannotCloneRequestError, Error};
pub use event::{Event, ReadyState};
pub use request::RequestBuilderExt;
pub use source::EventSource;
