//! Server half of 9.2: replay and keep-alive.

mod history;
mod keep_alive;

pub use history::{Cursor, Gap, History, HistoryLimits};
pub use keep_alive::KeepAlive;
