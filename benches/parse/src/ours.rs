//! The parser of this project, through each of its ways out.

use sse_proto::{EventStream, Frame, Limits, Message, Parser};

use crate::Chunks;
use crate::contender::{Api, Contender, Role, Sink};
use crate::peers::{Ready, drain};

fn parser() -> Parser {
    // Room for the largest event of the growth cells.
    Parser::new().with_limits(Limits { event: 128 << 20, ..Limits::default() })
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

/// A `Message` of each event.
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

/// `.sse()` on a stream of chunks: a `Message` of each event.
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
