//! Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2) on tokio.

#[cfg(feature = "server")]
pub mod server;
