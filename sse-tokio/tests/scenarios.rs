//! The scenarios of every client, on tokio.
#![allow(clippy::unwrap_used)]

use futures_util::StreamExt;
use sse_tokio::EventSource;
use sse_tokio::reqwest::Method;
use sse_tokio::reqwest::header::HeaderName;

#[path = "../../tests/scenarios/mod.rs"]
mod scenarios;

use scenarios::{Ask, Seen};

#[tokio::main(flavor = "current_thread")]
async fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    let mut builder = EventSource::builder(&ask.url).config(ask.config.clone());
    for &(name, value) in &ask.headers {
        builder = builder.header(name, value);
    }
    for &name in &ask.forward {
        builder = builder.forward_header(HeaderName::from_static(name));
    }
    if let Some(name) = ask.id_parameter {
        builder = builder.last_event_id_parameter(name);
    }
    if let Some(body) = ask.body {
        builder = builder.method(Method::POST).body(body);
    }
    let mut source = builder.build().unwrap();
    while let Some(item) = source.next().await {
        let item = match item {
            Ok(event) => Seen::of(event, |head| head.status.as_u16()),
            Err(error) => Seen::Closed(error.reason().unwrap()),
        };
        let end = matches!(item, Seen::Closed(_));
        if seen(item) {
            return;
        }
        if end {
            assert!(source.next().await.is_none());
            return;
        }
    }
    assert!(source.next().await.is_none());
    seen(Seen::End);
}
