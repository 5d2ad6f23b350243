//! A stream as a body: batches, keep-alive, errors, shutdown. Time is virtual.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Body;
use http_body_util::BodyExt;
use sse_tokio::server::{EncodedEvent, EventBuilder, Sse};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

fn event(data: &str) -> EncodedEvent {
    EventBuilder::new().data(data).into()
}

/// A body that the test feeds.
fn channel() -> (mpsc::UnboundedSender<EncodedEvent>, impl stream::Stream<Item = EncodedEvent>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let events =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    (sender, events)
}

async fn frame<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Option<Result<Bytes, B::Error>> {
    Some(body.frame().await?.map(|frame| frame.into_data().unwrap_or_default()))
}

#[tokio::test(start_paused = true)]
async fn events_that_are_ready_together_are_one_frame() {
    let mut body = Sse::new(stream::iter(["a", "b", ""].map(|data| EventBuilder::new().data(data))));
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "data: a\n\ndata: b\n\ndata: \n\n");
    assert!(frame(&mut body).await.is_none());
    assert!(body.is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn a_single_event_is_not_copied() {
    let single = event("a");
    let mut body = Sse::new(stream::iter([single.clone()]));
    assert_eq!(frame(&mut body).await.unwrap().unwrap().as_ptr(), single.as_bytes().as_ptr());
}

#[tokio::test(start_paused = true)]
async fn frames_are_bounded_and_an_empty_event_is_none() {
    let big = event(&"x".repeat(40_000));
    let events =
        [EventBuilder::new().into(), big.clone(), big.clone(), EventBuilder::new().into(), big.clone()];
    let mut body = Sse::new(stream::iter(events));
    let size = big.as_bytes().len();
    assert_eq!(frame(&mut body).await.unwrap().unwrap().len(), 2 * size);
    assert_eq!(frame(&mut body).await.unwrap().unwrap().len(), size);
    assert!(frame(&mut body).await.is_none());
}

// 9.2.7: a comment line every 15 seconds or so.
#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_comments_an_interval_after_the_last_event() {
    let start = Instant::now();
    let (sender, events) = channel();
    let mut body = Box::pin(Sse::new(events).keep_alive(Duration::from_secs(10)));
    let feed = async {
        sleep(Duration::from_secs(25)).await;
        sender.send(event("x")).unwrap();
    };
    let read = async {
        let mut frames = vec![];
        for _ in 0..5 {
            let bytes = frame(&mut body).await.unwrap().unwrap();
            frames.push((start.elapsed().as_secs(), bytes));
        }
        frames
    };
    let ((), frames) = tokio::join!(feed, read);
    let comment = || Bytes::from(": \n");
    let expected =
        [(10, comment()), (20, comment()), (25, "data: x\n\n".into()), (35, comment()), (45, comment())];
    assert_eq!(frames, expected);
}

// 9.2.6: an event with a type is dispatched, a comment is not.
#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_a_heartbeat_event() {
    let silent = Sse::new(stream::pending::<EncodedEvent>()).keep_alive(Duration::from_secs(10));
    let mut body = silent.heartbeat("alive").unwrap();
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "event: alive\ndata: \n\n");
}

#[tokio::test(start_paused = true)]
async fn the_keep_alive_interval_is_15_s_by_default_and_can_be_off() {
    let start = Instant::now();
    let mut body = Sse::new(stream::pending::<EncodedEvent>());
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), ": \n");
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    let mut body = Sse::new(stream::pending::<EncodedEvent>()).keep_alive(Duration::MAX);
    assert!(tokio::time::timeout(Duration::from_secs(86_400), frame(&mut body)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_after_the_events_before_it_and_ends_the_body() {
    let items = [Ok(event("a")), Err("broken"), Ok(event("b"))];
    let mut body = Sse::try_new(stream::iter(items));
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "data: a\n\n");
    assert!(!body.is_end_stream());
    assert!(format!("{body:?}").starts_with("Sse(Chunks"), "{body:?}");
    assert_eq!(frame(&mut body).await.unwrap().unwrap_err(), "broken");
    assert!(frame(&mut body).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_body_between_events_with_a_retry() {
    let (sender, events) = channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let until = async { drop(stopped.await) };
    let mut body = Box::pin(Sse::new(events).until(until, Duration::from_millis(500)));
    sender.send(event("a")).unwrap();
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "data: a\n\n");
    let (bytes, ()) = tokio::join!(frame(&mut body), async {
        sleep(Duration::from_secs(1)).await;
        sender.send(event("b")).unwrap();
        stop.send(()).unwrap();
    });
    assert_eq!(bytes.unwrap().unwrap(), "data: b\n\nretry: 500\n\n");
    assert!(frame(&mut body).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_always_ready_is_shut_down_as_well() {
    let events = stream::repeat(event("x"));
    let mut body = Sse::new(events).until(sleep(Duration::from_secs(1)), Duration::ZERO);
    let mut frames = 0;
    let mut last = Bytes::new();
    while let Some(bytes) = frame(&mut body).await {
        last = bytes.unwrap();
        frames += 1;
        if frames == 10 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(frames, 11);
    assert!(last.ends_with(b"data: x\n\nretry: 0\n\n"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_unpin_can_be_a_body() {
    let events = stream::once(async { event("a") }).chain(stream::once(async { event("b") }));
    let collected = Sse::new(events).collect().await.unwrap().to_bytes();
    assert_eq!(collected, "data: a\n\ndata: b\n\n");
}
