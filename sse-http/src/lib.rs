//! The HTTP rules of Server-Sent Events (`text/event-stream`, WHATWG HTML 9.2), without I/O and
//! without a runtime: for authors of adapters over another HTTP client.
//!
//! Applications use an adapter, which adds a transport and a clock: `sse-tokio` (reqwest),
//! `sse-async-std` (hyper on any executor) or `sse-blocking` (ureq). The rules of the event stream
//! itself are in [`sse-proto`](proto).
//!
//! | task | where |
//! |---|---|
//! | a client: requests, redirects, proxies, responses, errors | [`client`] |
//! | a client over an asynchronous HTTP client that sends one request | [`client::Client`] |
//! | a server: event streams as response bodies, headers, the last event ID of a request | [`server`] |
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "client")] {
//! use sse_http::client::Draft;
//! use sse_http::proto::Config;
//!
//! let mut config = Config::default();
//! let template = Draft::get("https://user:secret@example.com/events").finish(&mut config)?;
//! assert_eq!(template.url().as_str(), "https://example.com/events"); // credentials become a header
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `client` (default) | the module `client` |
//! | `server` (default) | the module `server` |
//! | `axum` | bodies as axum responses, the last event ID as an axum extractor; implies `server` |
//! | `serde` | typed JSON: [`Messages::json`](client::Messages::json), `Message::json`, `Error::json` |
//! | `tracing` | spans and events of the client's connections, never its data |
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(
    not(all(feature = "client", feature = "server", feature = "serde")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod server;

#[cfg(any(feature = "client", feature = "server"))]
pub use http;
pub use proto;
