//! Tests of parsing without a client: readers, bodies, codecs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use sse_tokio::{
    ByteBodyExt, ByteReadExt, CodecError, EventBuilder, EventCodec, EventStreamError, Limits, OwnedFrame,
    Parser,
};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, Encoder, Framed, FramedRead};
use tokio_util::io::StreamReader;

const STREAM: &[u8] =
    "\u{feff}: hi\nretry: 5\nid: 1\ndata: é\n\nevent: add\r\ndata: a\r\ndata: b\r\n\r\nid: 2\ndata: cut"
        .as_bytes();

fn texts(messages: &[sse_tokio::Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| format!("{} {} {}", message.id(), message.event(), message.data()))
        .collect()
}

const TEXTS: [&str; 2] = ["1 message é", "1 add a\nb"];

#[tokio::test]
async fn a_reader_is_read_whatever_its_pieces() {
    for size in [1, 2, 3, 7, 100] {
        let (mut writer, reader) = tokio::io::duplex(size);
        let write = tokio::spawn(async move { writer.write_all(STREAM).await });
        let messages: Vec<_> = reader.sse().try_collect().await.unwrap();
        assert_eq!(texts(&messages), TEXTS, "{size}");
        write.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_fails_ends_the_stream() {
    let chunks = [Ok(&b"data: a\n\ndata: b"[..]), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let mut events = StreamReader::new(stream::iter(chunks)).sse();
    assert_eq!(events.next().await.unwrap().unwrap().data(), "a");
    let error = events.next().await.unwrap().unwrap_err();
    let EventStreamError::Stream(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_body_is_read_without_its_trailers() {
    let mut frames: Vec<Result<Frame<Bytes>, io::Error>> =
        STREAM.iter().map(|byte| Ok(Frame::data(Bytes::copy_from_slice(&[*byte])))).collect();
    frames
        .insert(20, Ok(Frame::trailers([(hyper::header::ETAG, "x".parse().unwrap())].into_iter().collect())));
    let messages: Vec<_> = StreamBody::new(stream::iter(frames)).sse().try_collect().await.unwrap();
    assert_eq!(texts(&messages), TEXTS);
}

#[tokio::test]
async fn the_codec_decodes_every_frame() {
    for capacity in [1, 5, 1000] {
        let mut framed = FramedRead::with_capacity(STREAM, EventCodec::default(), capacity);
        let frames: Vec<_> = framed.by_ref().try_collect().await.unwrap();
        assert_eq!(framed.decoder().parser().last_event_id(), "1");
        assert_eq!(frames[0], OwnedFrame::Comment("hi".into()));
        assert_eq!(frames[1], OwnedFrame::Retry(std::time::Duration::from_millis(5)));
        let messages: Vec<_> = frames[2..]
            .iter()
            .map(|frame| match frame {
                OwnedFrame::Event(message) => message.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(texts(&messages), TEXTS);
    }
}

#[tokio::test]
async fn the_codec_delivers_an_unterminated_event_if_the_parser_does() {
    let codec = EventCodec::new(Parser::new().with_deliver_unterminated(true));
    let frames: Vec<_> = FramedRead::new(STREAM, codec).try_collect().await.unwrap();
    let Some(OwnedFrame::Event(message)) = frames.last() else { panic!() };
    assert_eq!((message.id(), message.data()), ("1", "cut"));
}

#[tokio::test]
async fn the_codec_fails_at_a_limit_for_good() {
    let limits = Limits::default().with_event(10);
    let codec = EventCodec::new(Parser::new().with_limits(limits));
    let mut frames = FramedRead::new(&b"data: a\n\ndata: 0123456789a\n\ndata: b\n\n"[..], codec);
    assert!(matches!(frames.next().await, Some(Ok(OwnedFrame::Event(_)))));
    let error = frames.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the event stream is over a limit");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("10 bytes"), "{cause}");
    assert!(matches!(error, CodecError::Parser(_)));
    assert!(frames.next().await.is_none());
}

#[tokio::test]
async fn the_codec_decodes_its_own_output() {
    let (left, right) = tokio::io::duplex(16);
    let mut left = Framed::new(left, EventCodec::default());
    let mut right = Framed::new(right, EventCodec::default());
    let text = String::from("a\rb\r\nc");
    let (sent, frame) =
        tokio::join!(left.send(EventBuilder::new().data(&text).id("7").unwrap()), right.try_next());
    sent.unwrap();
    let Some(OwnedFrame::Event(message)) = frame.unwrap() else { panic!() };
    assert_eq!((message.data(), message.id()), ("a\nb\nc", "7"));
}

#[test]
fn the_codec_appends_and_takes_only_what_it_read() {
    let mut codec = EventCodec::default();
    let mut bytes = BytesMut::from("data: a\n\n");
    codec.encode(EventBuilder::new().data("b"), &mut bytes).unwrap();
    assert!(codec.decode(&mut bytes).unwrap().is_some());
    assert_eq!(bytes, "data: b\n\n");
}
