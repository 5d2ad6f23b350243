//! A stream of events as chunks: batches, keep-alive, errors, shutdown. The test sets the clock.

use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use futures_util::task::noop_waker_ref;
use sse_proto::{Chunks, HeartbeatError, Instant, Timer};

#[derive(Clone, Default)]
struct Clock(Rc<Cell<Instant>>);

impl Clock {
    fn pass(&self, seconds: u64) {
        self.0.set(self.0.get() + Duration::from_secs(seconds));
    }
}

struct Sleep(Clock, Instant);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Timer for Clock {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(self.clone(), deadline)
    }

    fn now(&self) -> Instant {
        self.0.get()
    }
}

type Events = stream::BoxStream<'static, Result<Vec<u8>, &'static str>>;

/// Chunks of events, which then stay out.
fn events(events: &[&str]) -> (Clock, Chunks<Events, &'static str, Clock>) {
    let events: Vec<_> = events.iter().map(|event| Ok(event.as_bytes().to_vec())).collect();
    chunks(stream::iter(events).chain(stream::pending()).boxed())
}

fn chunks(events: Events) -> (Clock, Chunks<Events, &'static str, Clock>) {
    let clock = Clock::default();
    clock.pass(7);
    (clock.clone(), Chunks::new(events, clock))
}

fn poll(chunks: &mut Chunks<Events, &'static str, Clock>) -> Poll<Option<Result<Vec<u8>, &'static str>>> {
    chunks.poll_chunk(&mut Context::from_waker(noop_waker_ref()), |event| event)
}

fn chunk(text: &str) -> Poll<Option<Result<Vec<u8>, &'static str>>> {
    Poll::Ready(Some(Ok(text.into())))
}

// 9.2.7: chunking must not delay events.
#[test]
fn events_that_are_ready_together_are_one_chunk() {
    let (_, mut chunks) = events(&["data: a\n\n", "", "data: b\n\n", "data: c\n\n"]);
    assert_eq!(poll(&mut chunks), chunk("data: a\n\ndata: b\n\ndata: c\n\n"));
    assert_eq!(poll(&mut chunks), Poll::Pending);
    assert!(!chunks.is_done());
    assert!(format!("{chunks:?}").starts_with("Chunks { keep_alive: "));
}

#[test]
fn a_single_event_is_not_copied() {
    let event = b"data: a\n\n".to_vec();
    let there = event.as_ptr();
    let (_, mut chunks) = chunks(stream::iter([Ok(Vec::new()), Ok(event)]).boxed());
    let Poll::Ready(Some(Ok(chunk))) = poll(&mut chunks) else { panic!("there is an event") };
    assert_eq!(chunk.as_ptr(), there);
    assert!(chunks.is_done());
    assert_eq!(poll(&mut chunks), Poll::Ready(None));
}

#[test]
fn a_chunk_is_over_at_64_kib() {
    let half = "x".repeat(32 << 10);
    let (_, mut chunks) = events(&[&half, &half, &half, &half[1..], &half]);
    assert_eq!(poll(&mut chunks), chunk(&half.repeat(2)));
    assert_eq!(poll(&mut chunks), chunk(&half.repeat(3)[1..]));
    assert_eq!(poll(&mut chunks), Poll::Pending);
}

// 9.2.7: a comment line every 15 seconds or so.
#[test]
fn silence_is_filled_with_comments_and_only_silence() {
    let (clock, mut silent) = events(&[]);
    for _ in 0..2 {
        clock.pass(14);
        assert_eq!(poll(&mut silent), Poll::Pending);
        clock.pass(1);
        assert_eq!(poll(&mut silent), chunk(": \n"));
    }

    let (clock, due) = events(&["data: a\n\n"]);
    let mut due = due.keep_alive(Duration::from_secs(2));
    clock.pass(2);
    assert_eq!(poll(&mut due), chunk("data: a\n\n"));
    assert_eq!(poll(&mut due), Poll::Pending);

    let (clock, off) = events(&[]);
    let mut off = off.keep_alive(Duration::MAX);
    clock.pass(86_400);
    assert_eq!(poll(&mut off), Poll::Pending);
}

#[test]
fn silence_is_filled_with_heartbeats_where_a_type_is_named() {
    let (clock, silent) = events(&[]);
    let mut silent = silent.heartbeat("alive").unwrap();
    for _ in 0..2 {
        clock.pass(15);
        assert_eq!(poll(&mut silent), chunk("event: alive\ndata: \n\n"));
    }
    let (_, chunks) = events(&[]);
    assert_eq!(chunks.heartbeat("message").err(), Some(HeartbeatError::Reserved));
}

#[test]
fn an_event_postpones_the_comment() {
    let (clock, mut chunks) = events(&["data: a\n\n"]);
    clock.pass(10);
    assert_eq!(poll(&mut chunks), chunk("data: a\n\n"));
    clock.pass(14);
    assert_eq!(poll(&mut chunks), Poll::Pending);
    clock.pass(1);
    assert_eq!(poll(&mut chunks), chunk(": \n"));
}

#[test]
fn an_error_comes_one_poll_after_the_events_before_it() {
    let broken = || Err("broken");
    let (_, mut late) = chunks(stream::iter([Ok("data: a\n\n".into()), broken()]).boxed());
    assert_eq!(poll(&mut late), chunk("data: a\n\n"));
    assert!(!late.is_done());
    assert_eq!(poll(&mut late), Poll::Pending);
    assert_eq!(poll(&mut late), Poll::Ready(Some(broken())));
    assert_eq!(poll(&mut late), Poll::Ready(None));
    assert!(late.is_done());

    let (_, mut early) = chunks(stream::iter([broken()]).boxed());
    assert_eq!(poll(&mut early), Poll::Ready(Some(broken())));
}

#[test]
fn a_signal_ends_the_chunks_after_the_ready_events_with_a_retry() {
    let (_, chunks) = events(&["data: a\n\n"]);
    let mut chunks = chunks.until(ready(()), Duration::from_millis(500));
    assert_eq!(poll(&mut chunks), chunk("data: a\n\nretry: 500\n\n"));
    assert!(chunks.is_done());
    assert_eq!(poll(&mut chunks), Poll::Ready(None));

    let (_, mut chunks) = events(&[]);
    chunks = chunks.until(pending(), Duration::ZERO);
    assert_eq!(poll(&mut chunks), Poll::Pending);
}

#[test]
fn a_stream_that_is_always_ready_ends_at_the_signal() {
    let (_, chunks) = chunks(stream::repeat(Ok(b"data: x\n\n".to_vec())).boxed());
    let mut chunks = chunks.until(ready(()), Duration::ZERO);
    let Poll::Ready(Some(Ok(last))) = poll(&mut chunks) else { panic!("there are events") };
    assert!(last.ends_with(b"data: x\n\nretry: 0\n\n"));
    assert_eq!(poll(&mut chunks), Poll::Ready(None));
}
