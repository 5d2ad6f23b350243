//! One client of this crate, as the scenarios ask for it; the executor is the caller's.

use futures_util::StreamExt;
use http::{HeaderName, Method};
use sse_async_std::EventSource;

#[path = "../../../tests/scenarios/mod.rs"]
mod scenarios;

pub(crate) use scenarios::{Ask, Seen};

pub(crate) async fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
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
