//! Codec of tokio-util for `text/event-stream` (feature `codec`).

use std::{fmt, io};

use bytes::{Buf, BytesMut};
use proto::{EventBuilder, Finish, OwnedFrame, Parser};
use tokio_util::codec::{Decoder, Encoder};

/// Decodes frames and encodes events, for `FramedRead`, `FramedWrite` and `Framed`.
///
/// An unterminated event at the end of the stream is dropped (9.2.6), unless the parser has
/// `with_deliver_unterminated`. A decoded event owns its text; use
/// [`EventStream`](crate::EventStream) to borrow it.
///
/// # Example
///
/// ```
/// use futures_util::{SinkExt, TryStreamExt};
/// use sse_tokio::{EventBuilder, EventCodec, OwnedFrame};
/// use tokio_util::codec::{FramedRead, FramedWrite};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client, server) = tokio::io::duplex(1024);
/// let mut server = FramedWrite::new(server, EventCodec::default());
/// server.send(EventBuilder::new().comment("hi")).await?;
/// server.send(EventBuilder::new().id("7")?.data("Hello")).await?;
/// drop(server);
///
/// let mut client = FramedRead::new(client, EventCodec::default());
/// assert_eq!(client.try_next().await?, Some(OwnedFrame::Comment("hi".into())));
/// let Some(OwnedFrame::Event(message)) = client.try_next().await? else { panic!() };
/// assert_eq!((message.id(), message.data()), ("7", "Hello"));
/// assert_eq!(client.try_next().await?, None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct EventCodec {
    parser: Parser,
}

impl EventCodec {
    /// Creates a codec with the given parser and its settings.
    pub fn new(parser: Parser) -> Self {
        Self { parser }
    }

    /// The parser: it has the last event ID and the reconnection time.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }
}

impl Decoder for EventCodec {
    type Item = OwnedFrame;
    type Error = CodecError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<OwnedFrame>, CodecError> {
        let mut input = &bytes[..];
        let frame = self.parser.next_frame(&mut input).map(|frame| frame.map(OwnedFrame::from));
        let read = bytes.len() - input.len();
        bytes.advance(read);
        Ok(frame?)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<OwnedFrame>, CodecError> {
        if let Some(frame) = self.decode(bytes)? {
            return Ok(Some(frame));
        }
        Ok(match self.parser.finish() {
            Finish::Flushed(event) => Some(OwnedFrame::Event(event.into())),
            _ => None,
        })
    }
}

impl Encoder<EventBuilder<'_>> for EventCodec {
    type Error = io::Error;

    fn encode(&mut self, event: EventBuilder<'_>, bytes: &mut BytesMut) -> io::Result<()> {
        bytes.reserve(event.encoded_len());
        event.encode_into(bytes).map_err(io::Error::other)
    }
}

/// Why decoding failed. Nothing follows.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes could not be read.
    Io(io::Error),
    /// An event is over a limit.
    Parser(proto::Error),
}

impl From<io::Error> for CodecError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<proto::Error> for CodecError {
    fn from(error: proto::Error) -> Self {
        Self::Parser(error)
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io(_) => "the event stream cannot be read",
            Self::Parser(_) => "the event stream is over a limit",
        })
    }
}

impl std::error::Error for CodecError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Io(error) => error,
            Self::Parser(error) => error,
        })
    }
}
