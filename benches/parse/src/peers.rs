//! Peers: each is fed by the shortest way of its public API, and no adapter slows its parser down.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;

use crate::Chunks;
use crate::contender::{Api, Contender, Sink};

/// The chunks as a stream that is always ready.
pub(crate) struct Ready<I>(pub(crate) I);

impl<I: Iterator + Unpin> Stream for Ready<I> {
    type Item = Result<I::Item, Infallible>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// Polls a stream to its end or its first error.
#[inline]
pub(crate) fn drain<T, E>(stream: impl Stream<Item = Result<T, E>>, mut each: impl FnMut(T)) {
    let mut stream = pin!(stream);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(item))) = stream.as_mut().poll_next(&mut context) {
        each(item);
    }
}

/// The type of an event, for peers that return the field without its default.
#[inline]
fn named(field: Option<&str>) -> &str {
    field.filter(|kind| !kind.is_empty()).unwrap_or("message")
}

pub struct SseCore;

impl Contender for SseCore {
    const NAME: &str = "sse-core 0.2";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut decoder = sse_core::SseDecoder::with_limit(NonZeroUsize::MAX);
        for mut chunk in chunks.slices() {
            while let Some(Ok(event)) = decoder.next(&mut chunk) {
                if let sse_core::SseEvent::Message(event) = event {
                    sink.event(&event.event, &event.data, event.last_event_id.as_deref().unwrap_or_default());
                }
            }
        }
    }
}

pub struct SseStream;

impl Contender for SseStream {
    const NAME: &str = "sse-stream 0.3";
    const API: Api = Api::Owned;

    /// The crate returns blocks, not events: this wrapper drops blocks without data, and keeps the
    /// last ID.
    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut id = String::new();
        drain(sse_stream::SseByteStream::new(Ready(chunks.slices())), |block| {
            if let Some(new) = block.id {
                id = new;
            }
            if let Some(data) = &block.data {
                sink.event(named(block.event.as_deref()), data, &id);
            }
        });
    }
}

pub struct SseParse;

impl Contender for SseParse {
    const NAME: &str = "sse-parse 0.1";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut parser = sse_parse::SseParser::new();
        for chunk in chunks.slices() {
            parser.feed(chunk);
            while let Some(event) = parser.next_event() {
                sink.event(&event.event, &event.data, &event.id);
            }
        }
    }
}

pub struct Sseer;

impl Contender for Sseer {
    const NAME: &str = "sseer 0.3";
    const API: Api = Api::Owned;

    /// The crate's events are slices of the chunks, which live as long as an event.
    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(sseer::EventStream::new(Ready(chunks.shared())), |event| {
            sink.event(&event.event, &event.data, &event.id);
        });
    }
}

pub struct Eventsrc;

impl Contender for Eventsrc {
    const NAME: &str = "eventsrc 0.0.2";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(eventsrc::EventStream::new(Ready(chunks.slices())), |event| {
            sink.event(event.event(), event.data(), event.id());
        });
    }
}

pub struct Russe;

impl Contender for Russe {
    const NAME: &str = "russe 0.3";
    const API: Api = Api::Owned;

    /// The crate's events are slices of the caller's buffer; this wrapper keeps the last ID.
    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        use tokio_util::codec::Decoder as _;

        let mut id = None;
        let mut decoder = russe::Decoder::default();
        let mut buffer = bytes::BytesMut::new();
        for chunk in chunks.slices() {
            buffer.extend_from_slice(chunk);
            while let Ok(Some(event)) = decoder.decode(&mut buffer) {
                if let russe::Event::Message(event) = event {
                    id = event.id.or(id);
                    sink.event(named(event.event.as_deref()), &event.data, id.as_deref().unwrap_or_default());
                }
            }
        }
    }
}

pub struct Eventsource;

impl Contender for Eventsource {
    const NAME: &str = "eventsource 0.5";
    const API: Api = Api::Borrowed;

    /// The crate parses lines; its caller finds them and clears the event. This wrapper passes
    /// whole lines in place, found by memchr, and keeps the event's buffers.
    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        use eventsource::event::{Event, ParseResult, parse_event_line};

        let mut event = Event::new();
        let mut id = String::new();
        let mut line = |line: &[u8]| {
            let Ok(line) = std::str::from_utf8(line) else { return };
            if parse_event_line(line, &mut event) == ParseResult::Dispatch {
                if let Some(new) = event.id.take() {
                    id = new;
                }
                if let Some(data) = event.data.strip_suffix('\n') {
                    sink.event(named(event.event_type.as_deref()), data, &id);
                }
                event.clear();
            }
        };
        let mut partial = Vec::new();
        for mut chunk in chunks.slices() {
            while let Some(end) = memchr::memchr(b'\n', chunk) {
                let (head, tail) = chunk.split_at(end + 1);
                if partial.is_empty() {
                    line(head);
                } else {
                    partial.extend_from_slice(head);
                    line(&partial);
                    partial.clear();
                }
                chunk = tail;
            }
            partial.extend_from_slice(chunk);
        }
    }
}

pub struct EventsourceStream;

impl Contender for EventsourceStream {
    const NAME: &str = "eventsource-stream 0.2";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(eventsource_stream::EventStream::new(Ready(chunks.slices())), |event| {
            sink.event(&event.event, &event.data, &event.id);
        });
    }
}

pub struct EventsourceStream2;

impl Contender for EventsourceStream2 {
    const NAME: &str = "eventsource-stream2 0.4";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        drain(eventsource_stream2::EventStream::new(Ready(chunks.slices())), |event| {
            sink.event(&event.event, &event.data, &event.id);
        });
    }
}

pub struct EventsourceClient;

impl Contender for EventsourceClient {
    const NAME: &str = "eventsource-client 0.18";
    const API: Api = Api::Owned;

    /// The crate's parser is private, so the whole client runs over a transport that answers from
    /// memory.
    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        use eventsource_client::{Client, ClientBuilder, ReconnectOptions, SSE};

        let body = Body::new(chunks.shared());
        let client = ClientBuilder::for_url("http://localhost/")
            .expect("the URL is valid")
            .reconnect(ReconnectOptions::reconnect(false).build())
            .build_with_transport(body);
        drain(client.stream(), |item| {
            if let SSE::Event(event) = item {
                sink.event(&event.event_type, &event.data, event.id.as_deref().unwrap_or_default());
            }
        });
    }
}

/// The transport of `eventsource-client`: one 200 response with the chunks as its body.
#[derive(Clone)]
struct Body(std::sync::Arc<std::sync::Mutex<Option<launchdarkly_sdk_transport::ByteStream>>>);

impl Body {
    fn new(chunks: impl Iterator<Item = Bytes> + Send + Sync + Unpin + 'static) -> Self {
        struct Infallibly<I>(Ready<I>);
        impl<I: Iterator<Item = Bytes> + Unpin> Stream for Infallibly<I> {
            type Item = Result<Bytes, launchdarkly_sdk_transport::TransportError>;
            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                Poll::Ready(self.0.0.next().map(Ok))
            }
        }
        Self(std::sync::Arc::new(std::sync::Mutex::new(Some(Box::pin(Infallibly(Ready(chunks)))))))
    }
}

impl launchdarkly_sdk_transport::HttpTransport for Body {
    fn request(&self, _: http::Request<Option<Bytes>>) -> launchdarkly_sdk_transport::ResponseFuture {
        let body =
            self.0.lock().expect("nothing panics while it is held").take().expect("one request is sent");
        let response = http::Response::builder().header("content-type", "text/event-stream").body(body);
        Box::pin(std::future::ready(Ok(response.expect("the parts are valid"))))
    }
}

/// Typical hand-written code, without a crate.
pub struct HandRolled;

impl Contender for HandRolled {
    const NAME: &str = "split on \"\\n\\n\"";
    const API: Api = Api::Owned;

    fn run(chunks: &Chunks, sink: &mut impl Sink) {
        let mut buffer = String::new();
        let mut id = String::new();
        for chunk in chunks.slices() {
            buffer.push_str(&String::from_utf8_lossy(chunk));
            let mut start = 0;
            while let Some(len) = buffer[start..].find("\n\n") {
                let (mut kind, mut data) = ("message", String::new());
                for line in buffer[start..start + len].lines() {
                    if let Some(value) = line.strip_prefix("data: ") {
                        if !data.is_empty() {
                            data.push('\n');
                        }
                        data.push_str(value);
                    } else if let Some(value) = line.strip_prefix("event: ") {
                        kind = value;
                    } else if let Some(value) = line.strip_prefix("id: ") {
                        value.clone_into(&mut id);
                    }
                }
                if !data.is_empty() {
                    sink.event(kind, &data, &id);
                }
                start += len + 2;
            }
            buffer.drain(..start);
        }
    }
}
