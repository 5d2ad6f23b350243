//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) without I/O: no socket, no clock, no
//! runtime, no `std`.
//!
//! ```
//! use sse_proto::{EventBuilder, Parser};
//!
//! let mut parser = Parser::new();
//! let mut input = &b"event: add\ndata: 73857293\n\nevent: rem"[..];
//! while let Some(event) = parser.next_event(&mut input)? {
//!     assert_eq!((event.event, event.data), ("add", "73857293")); // borrowed from the chunk
//! }
//! assert_eq!(EventBuilder::new().data("two\nlines").encode(), "data: two\ndata: lines\n\n");
//! # Ok::<(), sse_proto::Error>(())
//! ```
//!
//! | question | answer |
//! |---|---|
//! | bytes → events | [`Parser`], [`Event`], [`Frame`], [`Message`]; [`field`] for single lines |
//! | events → bytes | [`EventBuilder`] |
//! | connecting, validating responses, retrying | [`EventSource`], [`Config`], [`ReconnectPolicy`], [`Liveness`] |
//! | replay and keep-alive | [`History`], [`KeepAlive`] |
//! | all of this over asynchronous streams (feature `stream`) | [`ByteStreamExt::sse`], [`Chunks`], [`Driver`], [`Transport`] |
//!
//! # In scope
//!
//! All of 9.2: parsing, interpretation, the processing model of `EventSource`, authoring notes; and
//! additions from practice: reconnection policies, liveness clocks, limits, replay.
//!
//! # Out of scope
//!
//! HTTP, TLS, timers and sockets, which adapters add (`sse-tokio`, `sse-async-std`,
//! `sse-blocking`); and the protocols inside the data, such as JSON or JSON-RPC.
//!
//! # Features
//!
//! - `std` (default): [`Epoch`], the bridge to `std::time` (not on wasm32-unknown-unknown, where
//!   that clock panics), and the widest vectors that the processor has.
//! - `simdutf8` (default): text that is not ASCII is validated with SIMD.
//! - `stream`: event streams both ways and the driver, on `futures-core`.
//! - `futures-io`: event streams of any `AsyncRead` of futures-io; implies `stream` and `std`.
//! - `web-time`: `Epoch` on wasm32-unknown-unknown, by `performance.now()`; nothing elsewhere.
//!   Implies `std`.
//! - `serde`: [`Event::json`] and [`Message::json`], which parse data as typed JSON.
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(
    not(all(feature = "std", feature = "stream", feature = "serde")),
    allow(rustdoc::broken_intra_doc_links)
)]
#![no_std]
#![deny(clippy::undocumented_unsafe_blocks)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod client;
mod decode;
mod encode;
mod error;
mod event;
mod limits;
mod server;
#[cfg(feature = "stream")]
mod stream;
mod time;

pub use client::{
    Cause, ClientEvent, ClientEventRef, CloseReason, Closed, Config, ContentCoding, ErrorKind, EventSource,
    Jitter, Liveness, Loss, Output, Polled, Progress, ReadyState, ReconnectPolicy, Repeat, Request,
    ResponseHead, Verdict, basic_authorization, is_event_stream,
};
pub use decode::{Finish, Parser, Step, field};
pub use encode::{EncodeError, EventBuilder, HeartbeatError};
pub use error::Error;
pub use event::{Event, Frame, Message, OwnedFrame, StreamFrame};
pub use limits::{Limits, Overflow};
pub use server::{Cursor, Gap, History, HistoryLimits, KeepAlive};
#[cfg(feature = "futures-io")]
pub use stream::{ByteReadExt, ReadChunk, ReadChunks};
#[cfg(feature = "stream")]
pub use stream::{ByteStreamExt, Chunks, Driver, EventStream, EventStreamError, Timer, Transport};
// `Instant`, and `Epoch` on targets with a clock.
pub use time::*;
