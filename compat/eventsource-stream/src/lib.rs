//! Drop-in replacement of `eventsource-stream` 0.2: the same items, with the parser of `sse-proto`.
//!
//! Change one line of `Cargo.toml` and nothing else:
//!
//! ```toml
//! eventsource-stream = { package = "sse-eventsource-stream", version = "0.1" }
//! ```
//!
//! If `reqwest-eventsource` is a dependency too, change it in the same way
//! (`sse-reqwest-eventsource`): the two share the type [`Event`].
//!
//! # Example
//!
//! ```
//! use futures_util::{StreamExt, stream};
//! use sse_eventsource_stream::Eventsource; // `eventsource_stream` after the change above
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let chunks = stream::iter(["data: Hel", "lo\n\nevent: done\ndata\n\n"]).map(Ok::<_, std::io::Error>);
//! let mut events = chunks.eventsource();
//! while let Some(event) = events.next().await {
//!     match event {
//!         Ok(event) => println!("{}: {}", event.event, event.data),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # }).unwrap();
//! ```
//!
//! # What is different
//!
//! Streams are read as WHATWG HTML 9.2 says: a byte order mark, CR line ends, invalid UTF-8 and
//! event IDs no longer panic, stall or get lost, and time is linear in the length of an event.
//! `MIGRATION.md` in the repository lists every difference. As before, no limits apply: an event
//! takes as much memory as the peer sends.
//!
//! # Features
//!
//! - `std` (default): the parser chooses the widest vectors at run time. Without it, `no_std` with
//!   `alloc`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]

extern crate alloc;

mod error;
mod event;
mod reader;
mod retry;
mod stream;

pub use error::EventStreamError;
pub use event::Event;
pub use stream::{EventStream, Eventsource};
