//! The client of `sse-http`, without a runtime and a network: what an adapter's `EventSource` costs
//! beside its HTTP library.

use std::future::{Pending, pending};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::TryStreamExt;
use http::{Request, Response, header};
use sse_http::client::{Client, Draft, Event, EventRef, EventSource, Hooks, TransportError};
use sse_proto::{Config, Instant, Repeat, Timer};

use crate::Chunks;
use crate::contender::{Api, Contender, Role, Sink};
use crate::ours::limits;

type Shared = Box<dyn Iterator<Item = Bytes> + Send>;

/// The chunks of a response.
struct Body(Shared);

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// A clock that stands still.
#[derive(Clone)]
struct Stopped;

impl Timer for Stopped {
    type Sleep = Pending<()>;

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        pending()
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }
}

/// A client whose response, with its whole body, is available at once.
struct Memory(Mutex<Option<Shared>>);

impl Client for Memory {
    type Clock = Stopped;
    type Body = Body;

    fn clock(&self) -> &Stopped {
        &Stopped
    }

    async fn send(&self, _: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let chunks = self.0.lock().expect("no other thread").take().expect("the request is not repeated");
        let mut response = Response::new(Body(chunks));
        let kind = header::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Ok(response)
    }
}

fn source(chunks: &Chunks) -> EventSource<Memory> {
    let config = Config::default().with_repeat(Repeat::Never).with_limits(limits());
    let client = Memory(Mutex::new(Some(Box::new(chunks.shared()))));
    match EventSource::with_client(Draft::get("http://localhost/"), config, Hooks::default(), client) {
        Ok(source) => source,
        Err(error) => panic!("the request is well-formed: {error}"),
    }
}

/// `EventSource::next_event`: borrowed events.
pub struct NextEvent;

impl Contender for NextEvent {
    const NAME: &str = "sse-http next_event";
    const API: Api = Api::Borrowed;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut source = source(chunks);
        finish(async {
            while let Some(Ok(event)) = source.next_event().await {
                if let EventRef::Message(event) = event {
                    sink.event(event.event, event.data, event.id);
                }
            }
        });
    }
}

/// `EventSource` as a `Stream`: a `Message` for each event.
pub struct AsStream;

impl Contender for AsStream {
    const NAME: &str = "sse-http stream";
    const API: Api = Api::Owned;
    const ROLE: Role = Role::Ours;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut source = source(chunks);
        finish(async {
            while let Ok(Some(event)) = source.try_next().await {
                if let Event::Message(message) = event {
                    sink.event(message.event(), message.data(), message.id());
                }
            }
        });
    }
}

/// Runs work that never waits.
#[inline]
fn finish(work: impl Future<Output = ()>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(work).poll(&mut context).is_ready(), "the response is available at once");
}
