//! Async streams without a runtime (feature `stream`): chunks of bytes to events, events to chunks,
//! and a driver for the client machine.
//!
//! Nothing here spawns, locks or sleeps by itself, and nothing has to be `Send` but the clock that
//! wakers read.

mod arrival;
mod chunks;
mod driver;
mod events;
#[cfg(feature = "futures-io")]
mod read;
mod timer;
mod transport;

pub use chunks::Chunks;
pub use driver::Driver;
pub use events::{ByteStreamExt, EventStream, EventStreamError};
#[cfg(feature = "futures-io")]
pub use read::{ByteReadExt, ReadChunk, ReadChunks};
pub use timer::Timer;
pub use transport::Transport;

use crate::{Event, Frame};

/// Extends the lifetime of a frame's borrow.
///
/// # Safety
///
/// The bytes that the frame borrows stay unchanged at their address for `'a`.
#[inline]
#[expect(unsafe_code, reason = "see `Driver::next_with` and `EventStream::next_frame`")]
pub(crate) unsafe fn extend<'a>(frame: Frame<'_>) -> Frame<'a> {
    // SAFETY: the two types differ by a lifetime, for which the caller vouches.
    unsafe { core::mem::transmute::<Frame<'_>, Frame<'a>>(frame) }
}

/// Extends the lifetime of an event's borrow.
///
/// # Safety
///
/// As [`extend`].
#[inline]
#[expect(unsafe_code, reason = "see `Driver::next_with`")]
pub(crate) unsafe fn extend_event<'a>(event: Event<'_>) -> Event<'a> {
    // SAFETY: the two types differ by a lifetime, for which the caller vouches.
    unsafe { core::mem::transmute::<Event<'_>, Event<'a>>(event) }
}
