//! This project's parser, through each of its interfaces.

use std::convert::Infallible;
use std::future::{Pending, Ready as Done, pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use sse_proto::{
    ClientEvent, Config, Driver, ErrorKind, EventSource, EventStream, Frame, Instant, Limits, Message,
    Parser, Repeat, Request, ResponseHead, Timer, Transport,
};

use crate::Chunks;
use crate::contender::{Api, Contender, Role, Sink};
use crate::peers::{Ready, drain};

/// Limits that allow the largest event of the growth cells.
pub(crate) fn limits() -> Limits {
    Limits::default().with_event(128 << 20)
}

fn parser() -> Parser {
    Parser::new().with_limits(limits())
}

/// `next_event`: borrowed events.
pub struct Borrowed;

impl Contender for Borrowed {
    const NAME: &str = "sse-proto event";
    const API: Api = Api::Borrowed;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut parser = parser();
        for mut chunk in chunks.slices() {
            while let Ok(Some(event)) = parser.next_event(&mut chunk) {
                sink.event(event.event, event.data, event.id);
            }
        }
    }
}

/// `Message` for each event.
pub struct Owned;

impl Contender for Owned {
    const NAME: &str = "sse-proto message";
    const API: Api = Api::Owned;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut parser = parser();
        for mut chunk in chunks.slices() {
            while let Ok(Some(event)) = parser.next_event(&mut chunk) {
                let message = Message::from(event);
                sink.event(message.event(), message.data(), message.id());
            }
        }
    }
}

/// `next_frame`: comments and reconnection times too.
pub struct Frames;

impl Contender for Frames {
    const NAME: &str = "sse-proto frame";
    const API: Api = Api::Borrowed;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut parser = parser();
        for mut chunk in chunks.slices() {
            while let Ok(Some(frame)) = parser.next_frame(&mut chunk) {
                match frame {
                    Frame::Event(event) => sink.event(event.event, event.data, event.id),
                    other => _ = std::hint::black_box(other),
                }
            }
        }
    }
}

/// `.sse()` on a stream of chunks: a `Message` for each event.
pub struct Stream;

impl Contender for Stream {
    const NAME: &str = "sse-proto stream";
    const API: Api = Api::Owned;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(EventStream::new(Ready(chunks.slices()), parser()), |message: Message| {
            sink.event(message.event(), message.data(), message.id());
        });
    }
}

/// The drop-in replacement of eventsource-stream: three strings for each event.
pub struct DropIn;

impl Contender for DropIn {
    const NAME: &str = "sse-eventsource-stream";
    const API: Api = Api::Owned;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(sse_eventsource_stream::EventStream::new(Ready(chunks.slices())), |event| {
            sink.event(&event.event, &event.data, &event.id);
        });
    }
}

/// Transport whose response, with its whole body, is available at once.
struct Memory<I>(Option<I>);

impl<I> Timer for Memory<I> {
    type Sleep = Pending<()>;

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        pending()
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }
}

impl<'c, I: Iterator<Item = &'c [u8]> + Unpin> Transport for Memory<I> {
    type Head = ();
    type Body = Ready<I>;
    type Chunk = &'c [u8];
    type Error = Infallible;
    type Connect = Done<Result<((), Ready<I>), Infallible>>;

    fn connect(&mut self, _: Request<'_>) -> Self::Connect {
        ready(Ok(((), Ready(self.0.take().expect("the request is not repeated")))))
    }

    fn head((): &()) -> ResponseHead<'_> {
        ResponseHead::new(200, [("content-type", "text/event-stream")])
    }

    fn error_kind(error: &Infallible) -> ErrorKind {
        match *error {}
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        Arc::new(|| Instant::ZERO)
    }
}

fn driver<'c, I: Iterator<Item = &'c [u8]> + Unpin>(chunks: I) -> Driver<Memory<I>> {
    let config = Config::default().with_repeat(Repeat::Never).with_limits(limits());
    Driver::new(EventSource::new(config, 0), Memory(Some(chunks)))
}

/// The complete client except its transport, `Driver::next`: borrowed events.
pub struct Client;

impl Contender for Client {
    const NAME: &str = "sse-proto client";
    const API: Api = Api::Borrowed;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut driver = driver(chunks.slices());
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(event))) = pin!(driver.next()).poll(&mut context) {
            if let ClientEvent::Message(event) = event {
                sink.event(event.event, event.data, event.id);
            }
        }
    }
}

/// The complete client except its transport, `Driver::poll_owned`: a `Message` for each event.
pub struct ClientOwned;

impl Contender for ClientOwned {
    const NAME: &str = "sse-proto client, owned";
    const API: Api = Api::Owned;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut driver = driver(chunks.slices());
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(event))) = driver.poll_owned(&mut context) {
            if let ClientEvent::Message(message) = event {
                sink.event(message.event(), message.data(), message.id());
            }
        }
    }
}
