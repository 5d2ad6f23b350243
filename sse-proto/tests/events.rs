//! Streams of chunks as event streams.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error as _;

use futures_util::stream::{self, FusedStream, StreamExt};
use futures_util::{FutureExt, Stream, TryStreamExt};
use sse_proto::{
    ByteStreamExt, Error, Event, EventStream, EventStreamError, Frame, Limits, Message, Overflow, Parser,
};

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the chunks are there")
}

type Chunk = Result<&'static str, Broken>;
/// An item, in words.
type Said = Result<String, EventStreamError<Broken>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

const BROKEN: EventStreamError<Broken> = EventStreamError::Stream(Broken);
const TOO_LONG: EventStreamError<Broken> = EventStreamError::Parser(Error::EventTooLong { limit: 10 });

fn chunks<const N: usize>(chunks: [Chunk; N]) -> impl Stream<Item = Chunk> + Unpin {
    stream::iter(chunks)
}

fn flushing() -> Parser {
    let limits = Limits::default().with_event(10);
    Parser::with_last_event_id("0").with_limits(limits).with_deliver_unterminated(true)
}

/// All that both ways of reading give: the messages, and the frames in words.
fn both<const N: usize>(parser: &Parser, given: [Chunk; N]) -> (Vec<Said>, Vec<Said>) {
    let mut events = EventStream::new(chunks(given), parser.clone());
    let mut messages = Vec::new();
    while let Some(message) = now(events.next()) {
        messages.push(message.map(|message| format!("{} {}", message.data(), message.id())));
    }
    assert!(events.is_terminated());
    assert!(now(events.next()).is_none(), "it stays at its end");

    let mut events = EventStream::new(chunks(given), parser.clone());
    let mut frames = Vec::new();
    while let Some(frame) = now(events.next_frame()) {
        frames.push(frame.map(|frame| match frame {
            Frame::Event(event) => format!("{} {}", event.data, event.id),
            Frame::Comment(comment) => format!(":{comment}"),
            Frame::Retry(time) => format!("{time:?}"),
            Frame::Skipped { bytes } => format!("skipped {bytes}"),
            _ => panic!("something new"),
        }));
    }
    assert!(events.is_terminated());
    assert!(now(events.next_frame()).is_none(), "it stays at its end");
    (messages, frames)
}

fn said<const N: usize>(what: [&str; N]) -> Vec<Said> {
    what.map(|what| Ok(what.to_owned())).into()
}

#[test]
fn a_stream_yields_equal_events_and_frames_whatever_the_chunks() {
    let (messages, frames) = both(
        &Parser::new(),
        [
            Ok("retry: 5\n:hi\nda"),
            Ok(""),
            Ok("ta: a\n\ndata: b\nid: 2\n\nda"),
            Ok("ta: c\r"),
            Ok("\n\r\n"),
            Ok("data: d"),
        ],
    );
    assert_eq!(messages, said(["a ", "b 2", "c 2"]));
    assert_eq!(frames, said(["5ms", ":hi", "a ", "b 2", "c 2"]));
}

// 9.2.6 would discard the event; some servers end like this.
#[test]
fn an_unterminated_event_is_delivered_with_deliver_unterminated() {
    let (messages, frames) = both(&flushing(), [Ok("data: a\n\nid: 1\ndata: b")]);
    assert_eq!(messages, said(["a 0", "b 0"]));
    assert_eq!(frames, messages);
    let (messages, frames) = both(&Parser::new(), [Ok("data: a\n\nid: 1\ndata: b")]);
    assert_eq!(messages, said(["a "]));
    assert_eq!(frames, messages);
}

#[test]
fn a_failure_is_the_last_item_and_delivers_no_unterminated_event() {
    for (last, error) in [(Err(Broken), BROKEN), (Ok("ta: far too long\n\n"), TOO_LONG)] {
        let (messages, frames) = both(&flushing(), [Ok("data: a\n\nda"), last, Ok("data: b\n\n")]);
        assert_eq!(messages, [Ok("a 0".to_owned()), Err(error)]);
        assert_eq!(frames, messages);
    }
}

#[test]
fn a_skipped_block_is_a_frame_and_not_a_message() {
    let limits = Limits::default().with_event(10).with_overflow(Overflow::Skip);
    let parser = Parser::new().with_limits(limits);
    let (messages, frames) = both(&parser, [Ok("data: far too"), Ok(" long\n\ndata: a\n\n")]);
    assert_eq!(messages, said(["a "]));
    assert_eq!(frames, said(["skipped 19", "a "]));
}

#[test]
fn frames_are_lent_from_the_chunk() {
    const CHUNK: &str = "data: a\n\n:b\n\ndata: c\n\n";
    let mut events = chunks([Ok(CHUNK)]).sse();
    for expected in ["a", "b", "c"] {
        let (Frame::Event(Event { data: text, .. }) | Frame::Comment(text)) =
            now(events.next_frame()).unwrap().unwrap()
        else {
            panic!("an event or a comment is next")
        };
        assert_eq!(text, expected);
        assert!(CHUNK.as_bytes().as_ptr_range().contains(&text.as_ptr()));
    }
}

#[test]
fn a_stream_is_pending_while_its_chunks_are() {
    let (sender, receiver) = futures_channel::mpsc::unbounded::<Chunk>();
    let mut events = receiver.sse();
    assert!(events.next().now_or_never().is_none());
    sender.unbounded_send(Ok("data: a\n")).unwrap();
    assert!(events.next().now_or_never().is_none());
    assert!(events.next_frame().now_or_never().is_none());
    assert!(!events.is_terminated());
    sender.unbounded_send(Ok("\ndata: b\n\n")).unwrap();
    drop(sender);
    assert_eq!(now(events.next()).unwrap().unwrap().data(), "a");
    assert!(!events.is_terminated());
    assert!(matches!(now(events.next_frame()), Some(Ok(Frame::Event(Event { data: "b", .. })))));
    assert!(now(events.next()).is_none());
}

#[test]
fn the_parser_of_a_stream_can_be_read() {
    let mut events = EventStream::new(chunks([Ok("retry: 7\nid: 8\n\n")]), flushing());
    assert_eq!(events.parser().last_event_id(), "0");
    assert!(now(events.next()).is_none());
    assert_eq!(events.parser().last_event_id(), "8");
    assert_eq!(events.parser().retry().unwrap().as_millis(), 7);
}

#[test]
fn errors_say_what_failed_and_why() {
    assert_eq!(BROKEN.to_string(), "the stream of bytes failed");
    assert_eq!(BROKEN.source().unwrap().to_string(), "broken");
    assert_eq!(TOO_LONG.to_string(), "the event stream is over a limit");
    assert!(TOO_LONG.source().unwrap().to_string().starts_with("an event is longer than 10 bytes"));
}

#[test]
fn bytes_of_any_kind_are_chunks() {
    let given = stream::iter([Ok::<_, Infallible>(b"data: a\n".to_vec()), Ok(b"\n".to_vec())]);
    let messages: Vec<Message> = now(given.sse().try_collect()).unwrap();
    assert_eq!(messages.len(), 1);
}

/// Bytes that are others each time one looks.
struct Fickle(Cell<usize>);

impl AsRef<[u8]> for Fickle {
    fn as_ref(&self) -> &[u8] {
        self.0.set(self.0.get() + 1);
        if self.0.get() == 1 { b"data: good\n\n" } else { b"data: b\xFF\xFFd\n\n" }
    }
}

#[test]
fn a_frame_is_lent_from_the_chunk_that_was_parsed() {
    let chunks = stream::iter([Ok::<_, Broken>(Fickle(Cell::new(0)))]);
    let mut events = EventStream::new(chunks, Parser::new());
    assert!(matches!(now(events.next_frame()), Some(Ok(Frame::Event(Event { data: "good", .. })))));
    assert!(now(events.next_frame()).is_none());
}
