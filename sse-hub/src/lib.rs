//! Serves one event stream (`text/event-stream`, WHATWG HTML 9.2) to many subscribers.
//!
//! A [`Hub`] has topics. An event that is published to a [`Topic`] is encoded once and kept in its
//! [`Log`]; every [`Subscription`], a body for hyper and axum, is a cursor into that log. It
//! replays from a [`LastEventId`], and reads all available events in one frame.
//!
//! ```text
//!  publish ─► Topic ─► Log: │ 7 │ 8 │ 9 │◄─ append
//!                        ▲       ▲   ▲
//!                     evicted    │   └─ cursor of a Subscription that is up to date: waits
//!                     (a gap)    └───── cursor of one that lags: 8 and 9 are its next frame
//! ```
//!
//! # Example
//!
//! A handler of axum, with the feature `axum`:
//!
//! ```
//! use sse_hub::{EventBuilder, Hub, HubConfig, HubError, LastEventId, Subscription, Topic};
//!
//! async fn events(news: Topic, id: LastEventId) -> Result<Subscription, HubError> {
//!     news.subscribe(&id).await // the response: `Subscription` and `HubError` are `IntoResponse`
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let news = Hub::new(HubConfig::default()).topic("news")?;
//! # let response = events(news.clone(), LastEventId(None)).await?;
//! let id = news.publish(EventBuilder::new().event("tick")?.data("1")).await?;
//! # assert!(id.ends_with("-1") && response.last_event_id() == Some(id));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! All timers are tokio's: poll bodies inside a runtime with time enabled, and all bodies of one
//! topic inside the same runtime.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `axum` | subscriptions and errors as axum responses, [`LastEventId`] as an extractor |
//! | `disk` | [`disk::DiskLog`]: a log in a directory, whose events survive the process |
//! | `redis` | [`redis::RedisLog`]: any number of processes form one hub over Redis or Valkey, TLS by rustls |
//! | `conformance` | [`conformance`]: the test suite that every [`Log`] has to pass |
#![cfg_attr(docsrs, feature(doc_cfg))]
// With all features, as on docs.rs, every name is a link.
#![cfg_attr(
    not(all(feature = "disk", feature = "redis", feature = "conformance")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[cfg(feature = "axum")]
mod axum;
mod backoff;
mod clock;
mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(feature = "disk")]
pub mod disk;
mod error;
mod hub;
mod log;
mod members;
mod memory;
mod metrics;
mod place;
#[cfg(feature = "redis")]
pub mod redis;
mod several;
mod subscription;
mod tail;
mod topic;
mod topics;

pub use config::{HubConfig, OnLag};
pub use error::HubError;
pub use hub::Hub;
pub use log::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, Key, Later, ListedTopic,
    Located, Log, LogError, NewEvent, Page, Stored, Update, Wake,
};
pub use memory::MemoryLog;
pub use metrics::{Latency, Metrics};
pub use place::{NotAPlace, Place};
pub use proto::{EncodeError, EventBuilder, Gap, HistoryLimits};
pub use several::{SeveralError, SeveralTopics};
pub use sse_http::server::{LastEventId, response};
pub use subscription::{End, From, GAP_EVENT, Subscription};
pub use topic::{Topic, TopicInfo};
