//! Clients whose events are formatted as short texts, against the scripted server of `sse_test`.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each target uses a part")]

use futures_util::StreamExt;
use sse_test::paused::Server;
use sse_tokio::{Builder, Config, Error, Event, EventSource, Jitter, ReconnectPolicy};

/// Waits of exactly 1, 2, 4, .. s, and no other clock.
pub fn config() -> Config {
    let policy = ReconnectPolicy::default().with_jitter(Jitter::None);
    Config::default().with_policy(policy).with_connect_timeout(None).with_head_timeout(None)
}

pub fn builder(server: &Server, path: &str) -> Builder {
    EventSource::builder(server.url(path)).config(config())
}

pub fn source(server: &Server) -> EventSource {
    builder(server, "/events").build().unwrap()
}

/// Everything that a source says, to its end.
pub async fn listen(source: &mut EventSource) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(event) = source.next().await {
        said.push(words(&event));
    }
    said
}

/// The next thing that a source says.
pub async fn next(source: &mut EventSource) -> String {
    source.next().await.map_or("end".into(), |event| words(&event))
}

pub fn words(event: &Result<Event, Error>) -> String {
    match event {
        Ok(Event::Open(head)) => format!("open {}", head.status.as_u16()),
        Ok(Event::Message(message)) => {
            format!("{} {:?} id {}", message.event(), message.data(), message.id())
        }
        Ok(Event::Comment(text)) => format!("comment {text}"),
        Ok(Event::Retry(time)) => format!("retry {time:?}"),
        Ok(Event::Skipped { bytes }) => format!("skipped {bytes}"),
        Ok(Event::Disconnected { cause, attempt, delay, .. }) => {
            format!("lost {:?}, attempt {attempt} in {delay:?}", cause.cause())
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}
