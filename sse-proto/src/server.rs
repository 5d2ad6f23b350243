//! What to replay, when to reassure.

mod history;
mod keep_alive;

pub use history::{Cursor, Gap, History, HistoryLimits};
pub use keep_alive::KeepAlive;
