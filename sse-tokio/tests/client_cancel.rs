//! Cancellation: by `close`, by drop, and of a future in a `select!`.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use futures_util::stream::FusedStream;
use futures_util::{FutureExt, StreamExt};
use sse_test::paused::Server;
use sse_test::{Reply, millis, secs};
use support::{listen, next, source};

// 9.2.9: a source that is garbage collected aborts its fetch.
#[tokio::test]
async fn a_source_that_is_dropped_hangs_up() {
    let server = Server::start([Reply::stream("data: a\n\n").hold()]).await;
    let mut source = source(&server);
    assert_eq!(next(&mut source).await, "open 200");
    drop(source);
    server.hung_up().await;
}

#[tokio::test]
async fn a_source_that_is_dropped_while_it_connects_hangs_up() {
    let server = Server::start([Reply::raw("").hold()]).await;
    let mut source = source(&server);
    while server.received().is_empty() {
        assert!(source.next_event().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(source);
    server.hung_up().await;
}

// 9.2.2: `close()` aborts the fetch and sets the ready state to CLOSED.
#[tokio::test]
async fn close_hangs_up_at_once_and_delivers_nothing_more() {
    let server = Server::start([Reply::stream("data: a\n\ndata: b\n\n").hold()]).await;
    let mut source = source(&server);
    assert_eq!(next(&mut source).await, "open 200");
    assert_eq!(next(&mut source).await, "message \"a\" id ");
    source.close();
    // Without another poll.
    server.hung_up().await;
    assert!(!source.is_terminated());
    assert_eq!(listen(&mut source).await, [""; 0], "and `b` was received");
    assert!(source.is_terminated());
    assert!(source.next_event().await.is_none());
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn close_before_the_first_poll_sends_nothing() {
    let server = Server::start([]).await;
    let mut source = source(&server);
    source.close();
    assert_eq!(listen(&mut source).await, [""; 0]);
    assert_eq!(server.received().len(), 0);
}

/// A losing branch of `select!` is dropped and created again: while it connects, while it waits,
/// while it reads.
#[tokio::test(start_paused = true)]
async fn a_source_that_loses_a_select_loses_no_event() {
    let mut script = Vec::new();
    for connection in 0..5 {
        let mut answer = Reply::stream("");
        for event in 0..5 {
            let id = connection * 5 + event;
            let (head, tail) = (format!("id: {id}\nda"), format!("ta: {id}\n\n"));
            answer = answer.send(head).sleep(millis(300)).send(tail).sleep(millis(200));
        }
        script.push(answer);
    }
    let server = Server::start(script).await;
    let mut source = source(&server);
    let mut ticks = tokio::time::interval(millis(70));
    let (mut lost, mut messages) = (0, Vec::new());
    loop {
        tokio::select! {
            biased;
            _ = ticks.tick() => lost += 1,
            event = source.next_event() => match event {
                Some(Ok(sse_tokio::EventRef::Message(event))) => messages.push(event.data.to_owned()),
                Some(event) => drop(event.unwrap()),
                None => break,
            },
        }
    }
    let expected: Vec<_> = (0..25).map(|id| id.to_string()).collect();
    assert_eq!(messages, expected);
    assert_eq!(server.received().len(), 6, "and no request was sent twice");
    assert!(lost > 100, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn many_sources_can_run_in_one_task() {
    let servers = [
        Server::start([Reply::stream("").sleep(secs(2)).send("data: b\n\n").hold()]).await,
        Server::start([Reply::stream("").sleep(secs(1)).send("data: a\n\n").hold()]).await,
    ];
    let mut all = futures_util::stream::select_all(servers.iter().map(source));
    let mut messages = Vec::new();
    while messages.len() < 2 {
        messages.extend(Some(support::words(&all.next().await.unwrap())).filter(|words| words != "open 200"));
    }
    assert_eq!(messages, ["message \"a\" id ", "message \"b\" id "]);
}
