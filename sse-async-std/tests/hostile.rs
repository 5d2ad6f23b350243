//! Hostile servers against a client on an executor of one thread.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, yield_now};
use sse_async_std::http::Method;
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

/// RFC 9112, 9.6: such a close resets the connection while the client still writes.
#[test]
fn an_answer_of_a_server_that_reads_only_the_head_and_closes_is_read() {
    let answer = Reply::response(413, "", "too large").early();
    let server = Server::play(vec![answer; 8]);
    for _ in 0..8 {
        let source = EventSource::builder(server.url("/")).method(Method::POST);
        let mut source = source.body(vec![b'x'; 8 << 20]).build().unwrap();
        let error = block_on(source.next()).unwrap().unwrap_err();
        assert!(error.to_string().ends_with("413 instead of 200: too large"), "{error}");
    }
}
