//! The scenarios of every client, on tokio.
#![allow(clippy::unwrap_used)]

use futures_util::StreamExt;
use sse_tokio::EventSource;
use sse_tokio::reqwest::Method;
use sse_tokio::reqwest::header::HeaderName;

#[path = "../../tests/scenarios/mod.rs"]
mod scenarios;

use scenarios::{Ask, Seen, build, tell};

fn follow(ask: &Ask, seen: &mut dyn FnMut(Seen) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut source = build!(ask, EventSource, Method, HeaderName);
    tell(seen, || {
        let item = runtime.block_on(source.next())?;
        Some(Seen::of(item, |head| (head.status.as_u16(), head.headers), |error| error.reason().unwrap()))
    });
}
