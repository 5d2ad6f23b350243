//! Serves one event stream (`text/event-stream`, WHATWG HTML 9.2) to many subscribers.
//!
//! A [`Hub`] has topics. An event that is published to a [`Topic`] is encoded once and kept in a
//! [`Log`]: in memory, on disk, or in Redis. A [`Subscription`], a body for hyper and axum, is a
//! position in the topic's events. It begins after a [`LastEventId`], and reads recent events from
//! memory (the tail of the topic) and older ones from the log, in frames of up to 64 KiB or one
//! larger batch. Only events that the log no longer has are a gap.
//!
//! ```text
//!   dropped │        log: 3 to 9         │
//!     1   2 │ 3   4   5   6   7   8   9  │◄─ publish
//!           │               │ tail: 7 to 9
//!       ▲           ▲           ▲        ▲
//!       │           │           │        └ up to date: waits
//!       │           │           └ behind: 8 and 9 are its next frame
//!       │           └ further behind: 5 and 6 are read from the log
//!       └ too far behind: a gap event, then 3
//! ```
//!
//! In a hub without another log, the log is as large as the tail.
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
mod unfinished;

pub use config::{HubConfig, OnLag};
pub use error::HubError;
pub use hub::Hub;
pub use log::{
    After, Amount, AppendError, Appended, Batch, Extent, Feed, Following, Health, Key, Later, ListedTopic,
    Located, Log, LogError, NewEvent, Page, Stored, Update, Wake,
};
pub use memory::MemoryLog;
pub use metrics::{Latency, Metrics};
pub use place::{ParsePlaceError, Place};
pub use proto::{EncodeError, EventBuilder, Gap, HeartbeatError, HistoryLimits};
pub use several::{SeveralError, SeveralTopics};
pub use sse_http::server::{LastEventId, response};
pub use subscription::{End, From, GAP_EVENT, Subscription};
pub use topic::{Topic, TopicInfo};
