//! Encoders in the comparison: each converts `[type, data, ID]` to bytes by the shortest way of its
//! public API.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::response::IntoResponse as _;
use futures_core::Stream;
use http_body::Body as _;

/// `[type, data, ID]` of each event; the type is `message` if the event has none, and the ID may be
/// empty.
pub type Texts = Arc<[[String; 3]]>;

/// An encoder, which calls back with each encoded event. The caller catches panics.
pub trait Encoder {
    const NAME: &str;

    fn run(texts: &Texts, each: impl FnMut(&[u8]));
}

fn kind(text: &[String; 3]) -> Option<&str> {
    (text[0] != "message").then_some(&*text[0])
}

fn id(text: &[String; 3]) -> Option<&str> {
    (!text[2].is_empty()).then_some(&*text[2])
}

fn ours(text: &[String; 3]) -> sse_proto::EventBuilder<'_> {
    let mut event = sse_proto::EventBuilder::new().data(&text[1]);
    if let Some(kind) = kind(text) {
        event = event.event(kind).expect("the type has no line break");
    }
    if let Some(id) = id(text) {
        event = event.id(id).expect("the ID has no line break");
    }
    event
}

/// `EventBuilder::encode_into` with one reused buffer.
pub struct EncodeInto;

impl Encoder for EncodeInto {
    const NAME: &str = "sse-proto encode_into";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        let mut buffer = String::new();
        for text in texts.iter() {
            buffer.clear();
            ours(text).encode_into(&mut buffer).expect("a String takes everything");
            each(buffer.as_bytes());
        }
    }
}

/// `EventBuilder::encode` with a new string for each event.
pub struct Encode;

impl Encoder for Encode {
    const NAME: &str = "sse-proto encode";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        for text in texts.iter() {
            each(ours(text).encode().as_bytes());
        }
    }
}

pub struct SseStream;

impl Encoder for SseStream {
    const NAME: &str = "sse-stream 0.3";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        for text in texts.iter() {
            let mut event = sse_stream::Sse::default().data(&*text[1]);
            if let Some(kind) = kind(text) {
                event = event.event(kind);
            }
            if let Some(id) = id(text) {
                event = event.id(id);
            }
            each(&event.encode().expect("the type and the ID have no line break"));
        }
    }
}

pub struct Russe;

impl Encoder for Russe {
    const NAME: &str = "russe 0.3";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        for text in texts.iter() {
            let message = russe::Message {
                data: (&*text[1]).into(),
                event: kind(text).map(Into::into),
                id: id(text).map(Into::into),
                retry: None,
            };
            let event = russe::Event::Message(message);
            each(event.into_bytestring().expect("the type and the ID have no line break").as_bytes());
        }
    }
}

/// The events of an axum handler.
struct AxumEvents {
    texts: Texts,
    next: usize,
}

impl Stream for AxumEvents {
    type Item = Result<axum::response::sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = self.texts.get(self.next).map(|text| {
            let mut event = axum::response::sse::Event::default().data(&text[1]);
            if let Some(kind) = kind(text) {
                event = event.event(kind);
            }
            if let Some(id) = id(text) {
                event = event.id(id);
            }
            Ok(event)
        });
        self.next += 1;
        Poll::Ready(event)
    }
}

pub struct Axum;

impl Encoder for Axum {
    const NAME: &str = "axum 0.8";

    /// axum's encoder is private, so the body of a response is polled.
    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        let events = AxumEvents { texts: texts.clone(), next: 0 };
        let mut body = axum::response::Sse::new(events).into_response().into_body();
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) {
            each(frame.data_ref().expect("there are no trailers"));
        }
    }
}

pub struct Warp;

impl Encoder for Warp {
    const NAME: &str = "warp 0.4";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        let mut buffer = String::new();
        for text in texts.iter() {
            let mut event = warp::sse::Event::default().data(&*text[1]);
            if let Some(kind) = kind(text) {
                event = event.event(kind);
            }
            if let Some(id) = id(text) {
                event = event.id(id);
            }
            buffer.clear();
            write!(buffer, "{event}").expect("a String takes everything");
            each(buffer.as_bytes());
        }
    }
}

pub struct Poem;

impl Encoder for Poem {
    const NAME: &str = "poem 3";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        let mut buffer = String::new();
        for text in texts.iter() {
            let mut event = poem::web::sse::Event::message(&*text[1]);
            if let Some(kind) = kind(text) {
                event = event.event_type(kind);
            }
            if let Some(id) = id(text) {
                event = event.id(id);
            }
            buffer.clear();
            write!(buffer, "{event}").expect("a String takes everything");
            each(buffer.as_bytes());
        }
    }
}

pub struct SseCodec;

impl Encoder for SseCodec {
    const NAME: &str = "sse-codec 0.3";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        let mut buffer = String::new();
        for text in texts.iter() {
            let event = sse_codec::Event::message(&text[0], &text[1], id(text));
            buffer.clear();
            // The crate writes the fields, and its codec writes the blank line.
            writeln!(buffer, "{event}").expect("a String takes everything");
            each(buffer.as_bytes());
        }
    }
}

/// Typical hand-written code, without a crate.
pub struct HandRolled;

impl Encoder for HandRolled {
    const NAME: &str = "format!(\"data: {}\\n\\n\")";

    fn run(texts: &Texts, mut each: impl FnMut(&[u8])) {
        for text in texts.iter() {
            let mut wire = String::new();
            if let Some(kind) = kind(text) {
                wire += &format!("event: {kind}\n");
            }
            if let Some(id) = id(text) {
                wire += &format!("id: {id}\n");
            }
            wire += &format!("data: {}\n\n", text[1]);
            each(wire.as_bytes());
        }
    }
}
