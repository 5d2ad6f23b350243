//! Hostile servers against a client on an executor of one thread.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, yield_now};
use sse_async_std::{Event, EventSource};
use sse_test::{Reply, Server};

#[test]
fn a_flooding_server_leaves_the_thread_to_other_tasks() {
    // A line without end, as fast as it goes.
    let server = Server::play([Reply::stream("").repeat([b'x'; 1 << 20], Duration::ZERO)]);
    let mut source = EventSource::get(server.url("/")).unwrap();
    let others = async {
        for _ in 0..10 {
            yield_now().await;
        }
    };
    block_on(async {
        assert!(matches!(source.next().await, Some(Ok(Event::Open(_)))));
        or(async { drop(source.next().await) }, others).await;
    });
}
