//! Tests of readers as iterators: their ends, and their state after an error.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use sse_blocking::{EventReader, Frame, Limits, Parser, ReadExt};

/// A reader that gives one item to each read.
struct Script(VecDeque<Result<&'static str, ErrorKind>>);

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop_front() {
            None => Ok(0),
            Some(Err(kind)) => Err(kind.into()),
            Some(Ok(text)) => text.as_bytes().read(buffer),
        }
    }
}

fn script<const N: usize>(items: [Result<&'static str, ErrorKind>; N]) -> Script {
    Script(items.into())
}

/// What an iterator yields: data, or the kind of an error.
fn all(reader: EventReader<impl Read>) -> Vec<Result<String, ErrorKind>> {
    reader.map(|item| item.map(|message| message.into_data()).map_err(|error| error.kind())).collect()
}

// 9.2.6: an incomplete block is discarded at the end of the file.
#[test]
fn events_span_reads_and_an_unterminated_event_is_dropped() {
    let reader = script([Ok("data: a\n"), Ok("\ndata"), Ok(": b\r"), Ok("\n\r\ndata: lost\n")]);
    assert_eq!(all(reader.sse()), [Ok("a".into()), Ok("b".into())]);
}

#[test]
fn a_reader_delivers_an_unterminated_event_if_the_parser_does() {
    let parser = Parser::new().with_deliver_unterminated(true);
    let reader = EventReader::new(script([Ok("data: a\n\ndata: b")]), parser);
    assert_eq!(all(reader), [Ok("a".into()), Ok("b".into())]);
}

#[test]
fn an_interrupted_read_is_repeated_and_a_timeout_loses_nothing() {
    let mut reader = script([
        Ok("data: a\n"),
        Err(ErrorKind::Interrupted),
        Ok("data: b\n"),
        Err(ErrorKind::WouldBlock),
        Ok("\n"),
    ])
    .sse();
    assert_eq!(reader.next().map(|item| item.unwrap_err().kind()), Some(ErrorKind::WouldBlock));
    assert_eq!(reader.next().map(|item| item.unwrap().into_data()).as_deref(), Some("a\nb"));
    assert!(reader.next().is_none());
}

#[test]
fn an_error_is_the_last_item_and_delivers_no_unterminated_event() {
    let parser = Parser::new().with_deliver_unterminated(true);
    let script = script([Ok("data: a\n"), Err(ErrorKind::ConnectionReset), Ok("data: b\n\n")]);
    assert_eq!(all(EventReader::new(script, parser)), [Err(ErrorKind::ConnectionReset)]);
}

#[test]
fn an_event_over_a_limit_is_an_error_that_names_the_limit() {
    let limits = Limits::default().with_event(8);
    let mut reader =
        EventReader::new(&b"data: 0123456789\n\ndata: b\n\n"[..], Parser::new().with_limits(limits));
    let error = reader.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.get_ref().is_some_and(|inner| inner.is::<sse_blocking::ParserError>()));
    assert!(reader.next().is_none());
}

#[test]
fn frames_are_lent() {
    let mut reader = b"retry: 5\n: hello\ndata: a\n\n".sse();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame() {
        frames.push(match frame.unwrap() {
            Frame::Event(event) => event.data.to_owned(),
            Frame::Comment(comment) => format!(": {comment}"),
            Frame::Retry(time) => format!("{time:?}"),
            frame => panic!("{frame:?}"),
        });
    }
    assert_eq!(frames, ["5ms", ": hello", "a"]);
    assert_eq!(reader.parser().retry(), Some(Duration::from_millis(5)));
}
