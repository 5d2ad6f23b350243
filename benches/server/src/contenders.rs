//! Servers in the comparison: equal router, listener and runtime; only the body and its source
//! differ.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use futures_util::{StreamExt, stream};
use sse_hub::disk::{DiskConfig, DiskLog};
use sse_hub::redis::{RedisConfig, RedisLog};
use sse_hub::{EventBuilder, From, HistoryLimits, Hub, HubConfig, Topic};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use crate::counting;
use crate::raw::Raw;

#[derive(Clone, Copy, PartialEq)]
pub enum Contender {
    /// `sse_hub::Hub`.
    Hub,
    /// `sse_hub::Hub` over a log on disk.
    DiskHub,
    /// The hub in memory, published to when the bytes are in a raw file on the disk.
    SyncedHub,
    /// `sse_hub::Hub` over the Redis server that the environment variable `SSE_REDIS` names.
    RedisHub,
    /// axum's `Sse` over a `tokio::sync::broadcast`.
    Broadcast,
    /// nginx with nchan.
    Nchan,
    /// A body that never yields anything, which shows the cost of the HTTP stack.
    Stack,
}

impl Contender {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::DiskHub => "hub on disk",
            Self::SyncedHub => "hub after a raw file",
            Self::RedisHub => "hub over Redis",
            Self::Broadcast => "axum + broadcast",
            Self::Nchan => "nginx + nchan",
            Self::Stack => "HTTP stack alone",
        }
    }

    pub fn named(name: &str) -> Self {
        let all = [
            Self::Hub,
            Self::DiskHub,
            Self::SyncedHub,
            Self::RedisHub,
            Self::Broadcast,
            Self::Nchan,
            Self::Stack,
        ];
        all.into_iter().find(|it| it.name() == name).expect("a contender")
    }
}

/// The stream to publish to and to subscribe to.
#[derive(Clone)]
pub enum Source {
    Hub(Topic),
    Synced(Topic, Raw),
    Broadcast(broadcast::Sender<(u64, Arc<str>)>, Arc<AtomicU64>),
    Stack,
}

/// The number of events that every server keeps.
pub const KEPT: usize = 4096;

fn config() -> HubConfig {
    HubConfig::default().with_history(HistoryLimits::new().with_events(KEPT))
}

fn topic(hub: Hub) -> Topic {
    hub.topic("t").expect("the first topic")
}

impl Source {
    pub fn new(contender: Contender) -> Self {
        match contender {
            Contender::Hub => Self::Hub(topic(Hub::new(config()))),
            Contender::DiskHub => {
                // Removed when it is made again: the process ends by a signal.
                let path = std::path::Path::new("target/bench-hub-on-disk");
                let _ = std::fs::remove_dir_all(path);
                let log = DiskLog::open(DiskConfig::new(path)).expect("a disk");
                Self::Hub(topic(Hub::with_log(config(), Arc::new(log))))
            }
            Contender::SyncedHub => {
                // The process ends by a signal, and the next one makes the file again.
                let (raw, _) = Raw::create(std::path::Path::new("target"));
                Self::Synced(topic(Hub::new(config())), raw)
            }
            Contender::RedisHub => {
                let url = std::env::var("SSE_REDIS").expect("SSE_REDIS");
                let log = RedisLog::new(RedisConfig::new(&url).expect("a URL")).expect("usable");
                Self::Hub(topic(Hub::with_log(config(), Arc::new(log))))
            }
            Contender::Broadcast => Self::Broadcast(broadcast::channel(KEPT).0, Arc::default()),
            Contender::Stack => Self::Stack,
            Contender::Nchan => unreachable!("it is another program"),
        }
    }

    pub async fn subscribe(&self) -> Response {
        match self {
            Self::Hub(topic) | Self::Synced(topic, _) => {
                topic.subscribe(From::Now).await.expect("below the limit").into_response()
            }
            Self::Broadcast(sender, _) => {
                let events = BroadcastStream::new(sender.subscribe()).filter_map(|received| async {
                    let (id, data) = received.ok()?;
                    Some(Ok::<_, Infallible>(Event::default().id(id.to_string()).data(data)))
                });
                Sse::new(events).keep_alive(KeepAlive::default()).into_response()
            }
            Self::Stack => {
                let never = stream::pending::<Result<bytes::Bytes, Infallible>>();
                ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(never)).into_response()
            }
        }
    }

    /// Publishes a burst: the data of its events, separated by spaces.
    async fn publish(&self, burst: &str) {
        if let Self::Synced(_, raw) = self {
            raw.append(burst.to_owned().into()).await;
        }
        let burst = burst.split(' ');
        match self {
            Self::Hub(topic) | Self::Synced(topic, _) => {
                let events: Vec<_> = burst.map(|data| EventBuilder::new().data(data)).collect();
                topic.publish_all(&events).await.expect("it fits");
            }
            Self::Broadcast(sender, ids) => {
                for data in burst {
                    let id = ids.fetch_add(1, Ordering::Relaxed);
                    sender.send((id, data.into())).expect("there are subscribers");
                }
            }
            Self::Stack => {}
        }
    }
}

/// Serves, prints the address, and reads lines of standard input: `bytes` prints how many bytes are
/// allocated, every other line is a burst to publish, the data of its events separated by spaces.
/// A plus sign before a burst publishes it concurrently with the next line; otherwise the next line
/// waits until the burst is published.
pub fn serve(contender: Contender) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let source = Source::new(contender);
        let handler = {
            let source = source.clone();
            move || async move { source.subscribe().await }
        };
        let app = Router::new().route("/", get(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tokio::spawn(async move { axum::serve(listener, app).await });

        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut out = tokio::io::stdout();
        while let Ok(Some(line)) = lines.next_line().await {
            if line == "bytes" {
                out.write_all(format!("{}\n", counting::in_use()).as_bytes()).await.expect("a reader");
                out.flush().await.expect("a reader");
            } else if let Some(burst) = line.strip_prefix('+') {
                let (source, burst) = (source.clone(), burst.to_owned());
                tokio::spawn(async move { source.publish(&burst).await });
            } else {
                source.publish(&line).await;
            }
        }
    });
}
