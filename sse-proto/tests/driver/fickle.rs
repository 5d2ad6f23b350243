//! Chunks whose bytes change after they were read, which the types do not forbid.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Pending, Ready, pending, ready};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::stream::{self, Iter};
use sse_proto::{
    ClientEvent, Config, Driver, ErrorKind, EventSource, Instant, Request, ResponseHead, Timer, Transport,
    Verdict,
};

/// Bytes that lie elsewhere from the second look on.
struct Fickle {
    looks: Cell<usize>,
    later: &'static [u8],
}

impl AsRef<[u8]> for Fickle {
    fn as_ref(&self) -> &[u8] {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() == 1 { b"data: good\n\n" } else { self.later }
    }
}

/// A server that sends one such chunk at once.
struct Server(Option<Fickle>);

impl Timer for Server {
    type Sleep = Pending<()>;

    fn sleep_until(&self, _: Instant) -> Pending<()> {
        pending()
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }
}

impl Transport for Server {
    type Head = ();
    type Body = Iter<std::option::IntoIter<Result<Fickle, Infallible>>>;
    type Chunk = Fickle;
    type Error = Infallible;
    type Connect = Ready<Result<((), Self::Body), Infallible>>;

    fn connect(&mut self, _: Request<'_>) -> Self::Connect {
        ready(Ok(((), stream::iter(self.0.take().map(Ok)))))
    }

    fn head((): &()) -> ResponseHead<'_> {
        200.into()
    }

    fn on_response(&mut self, (): &(), _: Verdict) -> Verdict {
        Verdict::Open
    }

    fn error_kind(error: &Infallible) -> ErrorKind {
        match *error {}
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        Arc::new(|| Instant::ZERO)
    }
}

/// The data of the event in a chunk that is something else when it is looked at again.
fn data(later: &'static [u8]) -> String {
    let server = Server(Some(Fickle { looks: Cell::new(0), later }));
    let mut driver = Driver::new(EventSource::new(Config::default(), 1), server);
    assert!(matches!(driver.next().now_or_never(), Some(Some(Ok(ClientEvent::Open(_))))));
    let text = match driver.next().now_or_never() {
        Some(Some(Ok(ClientEvent::Message(event)))) => event.data.to_owned(),
        _ => panic!("an event is next"),
    };
    // Nothing of the second look is taken for text, and nothing panics.
    assert!(matches!(driver.next().now_or_never(), Some(Some(Ok(ClientEvent::Disconnected { .. })))));
    text
}

#[test]
fn an_event_is_lent_from_the_chunk_that_was_parsed() {
    for later in [&b"data: text\n\n"[..], b"data: b\xFF\xFFd\n\n", b""] {
        assert_eq!(data(later), "good");
    }
}
