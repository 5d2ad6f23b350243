//! Events → bytes.

mod builder;
mod error;

pub use builder::EventBuilder;
pub use error::EncodeError;
