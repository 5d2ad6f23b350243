//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) without I/O.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod encode;
mod time;

pub use encode::{EncodeError, EventBuilder};
#[cfg(feature = "std")]
pub use time::Epoch;
pub use time::Instant;
