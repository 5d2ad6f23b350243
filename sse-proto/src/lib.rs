//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) without I/O.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod client;
mod decode;
mod encode;
mod error;
mod server;
#[cfg(feature = "stream")]
mod stream;
mod time;

pub use client::{
    Cause, ClientEvent, ClientEventRef, CloseReason, Closed, Config, ErrorKind, EventSource, Jitter,
    Liveness, Output, Progress, ReadyState, ReconnectPolicy, Redirect, RedirectError, Redirects, Repeat,
    Request, ResponseHead, Verdict, is_event_stream,
};
pub use decode::{Event, Finish, Frame, Limits, Message, Overflow, Parser, Step, field, line};
pub use encode::{EncodeError, EventBuilder};
pub use error::Error;
pub use server::{Cursor, Gap, History, HistoryLimits, KeepAlive};
#[cfg(feature = "futures-io")]
pub use stream::{ByteReadExt, ReadChunk, ReadChunks};
#[cfg(feature = "stream")]
pub use stream::{ByteStreamExt, Driver, EventStream, EventStreamError, Transport};
#[cfg(feature = "std")]
pub use time::Epoch;
pub use time::Instant;
