//! Async without a runtime: byte streams become event streams and the other way round, and one driver runs the client
//! machine (feature `stream`).
//!
//! Nothing here spawns, locks or sleeps by itself, and nothing has to be `Send`.

mod chunks;
mod driver;
mod error;
mod events;
#[cfg(feature = "futures-io")]
mod read;
mod timer;

pub use chunks::Chunks;
pub use driver::{Driver, Transport};
pub use error::{ClientError, HasStatus};
pub use events::{ByteStreamExt, EventStream, EventStreamError};
#[cfg(feature = "futures-io")]
pub use read::{ByteReadExt, ReadChunk, ReadChunks};
pub use timer::Timer;

/// Where a chunk lies: its address and its length.
///
/// `AsRef` may answer differently each time, so a chunk that is asked twice has to be validated twice, unless it is in the
/// same place. Then it is the same: had the first borrow been kept until the second, and nobody can tell that it was not,
/// no one could have changed a byte.
fn place(chunk: &[u8]) -> (usize, usize) {
    (chunk.as_ptr().addr(), chunk.len())
}
