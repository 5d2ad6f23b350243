//! Each difference from `eventsource-stream` 0.2.3 that `MIGRATION.md` lists: the old behaviour and
//! the new one.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::panic::catch_unwind;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};

/// The data of the events that have come when the last chunk was read and no other is there yet;
/// after the end if `ended`.
macro_rules! data {
    ($krate:ident, $chunks:expr, $ended:expr) => {{
        let chunks: Vec<&[u8]> = $chunks;
        let more = if $ended { stream::empty().left_stream() } else { stream::pending().right_stream() };
        let chunks = stream::iter(chunks.into_iter().map(Ok::<_, ()>)).chain(more);
        let mut events = $krate::Eventsource::eventsource(chunks);
        let mut data = Vec::new();
        while let Some(Some(event)) = events.next().now_or_never() {
            data.push(event.map(|event| event.data).map_err(|error| format!("{error:?}")));
        }
        data
    }};
}

/// The only event of `stream`.
macro_rules! event {
    ($krate:ident, $stream:expr) => {{
        let chunks = stream::iter([Ok::<_, ()>($stream)]);
        $krate::Eventsource::eventsource(chunks).next().now_or_never().unwrap().unwrap().unwrap()
    }};
}

fn ok(data: &[&str]) -> Vec<Result<String, String>> {
    data.iter().map(|&data| Ok(data.to_owned())).collect()
}

// 9.2.5: one leading U+FEFF is ignored.
#[test]
fn a_byte_order_mark_is_removed_and_no_longer_panics() {
    let stream = || vec!["\u{feff}data: x\n\n".as_bytes()];
    assert!(catch_unwind(|| data!(original, stream(), true)).is_err());
    assert_eq!(data!(sse_eventsource_stream, stream(), true), ok(&["x"]));
}

// 9.2.5: a lone CR is an `end-of-line`.
#[test]
fn an_event_that_ends_with_cr_arrives_at_once_and_is_no_longer_withheld() {
    let stream = || vec![&b"data: x\r\r"[..]];
    assert_eq!(data!(original, stream(), false), ok(&[]));
    assert_eq!(data!(original, stream(), true), ok(&[]), "and at the end it was lost");
    assert_eq!(data!(sse_eventsource_stream, stream(), false), ok(&["x"]));
}

// 9.2.6: the stream is decoded with the UTF-8 decode algorithm.
#[test]
fn invalid_utf8_becomes_a_replacement_character_and_no_longer_stalls() {
    let stream = || vec![&b"data: a\xffb\n\n"[..], b"data: c\n\n"];
    assert_eq!(data!(original, stream(), false), ok(&[]));
    let old = data!(original, stream(), true);
    assert!(matches!(&old[..], [Err(error)] if error.starts_with("Utf8(")), "{old:?}");
    assert_eq!(data!(sse_eventsource_stream, stream(), false), ok(&["a\u{fffd}b", "c"]));
}

#[test]
fn a_character_cut_by_the_end_is_dropped_with_its_event_and_is_no_longer_an_error() {
    let stream = || vec![&b"data: a\n\ndata: \xe2\x82"[..]];
    let old = data!(original, stream(), true);
    assert!(matches!(&old[..], [Ok(_), Err(error)] if error.starts_with("Utf8(")), "{old:?}");
    assert_eq!(data!(sse_eventsource_stream, stream(), true), ok(&["a"]));
}

// 9.2.6: `retry` counts only if its value consists of ASCII digits.
#[test]
fn retry_accepts_only_digits_and_no_longer_a_plus_sign() {
    let stream = "retry: +5\ndata: x\n\n";
    assert_eq!(event!(original, stream).retry, Some(Duration::from_millis(5)));
    assert_eq!(event!(sse_eventsource_stream, stream).retry, None);
}

#[test]
fn retry_past_64_bits_is_the_longest_time_and_no_longer_ignored() {
    let stream = "retry: 99999999999999999999999\ndata: x\n\n";
    assert_eq!(event!(original, stream).retry, None);
    assert_eq!(event!(sse_eventsource_stream, stream).retry, Some(Duration::from_millis(u64::MAX)));
}

// 9.2.6: the last event ID buffer is not reset at a dispatch.
#[test]
fn a_set_id_is_inherited_and_no_longer_forgotten_at_the_first_event() {
    macro_rules! ids {
        ($krate:ident) => {{
            let mut events =
                $krate::EventStream::new(stream::iter([Ok::<_, ()>("data: a\n\nid: 8\ndata: b\n\n")]));
            events.set_last_event_id("7");
            let mut ids = Vec::new();
            while let Some(event) = events.next().now_or_never().unwrap() {
                ids.push((event.unwrap().id, events.last_event_id().to_owned()));
            }
            ids
        }};
    }
    let ids = |ids: [&str; 2]| ids.map(|id| (id.to_owned(), id.to_owned()));
    assert_eq!(ids!(original), ids(["", "8"]));
    assert_eq!(ids!(sse_eventsource_stream), ids(["7", "8"]));
}

// 9.2.6, dispatch, step 1: a block without data sets the last event ID string.
#[test]
fn the_id_of_a_block_without_data_is_the_last_event_id_at_once() {
    macro_rules! id {
        ($krate:ident) => {{
            let mut events = $krate::EventStream::new(stream::iter([Ok::<_, ()>("id: 7\n\n")]));
            assert!(events.next().now_or_never().unwrap().is_none());
            events.last_event_id().to_owned()
        }};
    }
    assert_eq!(id!(original), "");
    assert_eq!(id!(sse_eventsource_stream), "7");
}

// 9.2.6: `retry` sets the reconnection time.
#[test]
fn retry_alone_in_a_block_sets_the_reconnection_time_and_is_no_longer_lost() {
    let stream = "retry: 50\n\ndata: x\n\n";
    assert_eq!(event!(original, stream).retry, None);
    assert_eq!(
        event!(sse_eventsource_stream, stream).retry,
        None,
        "the retry of another block does not count"
    );

    let mut events = sse_eventsource_stream::EventStream::new(stream::iter([Ok::<_, ()>(stream)]));
    assert_eq!(events.reconnection_time(), None);
    assert!(events.next().now_or_never().unwrap().is_some());
    assert_eq!(events.reconnection_time(), Some(Duration::from_millis(50)));
}

#[test]
fn an_event_has_no_size_limit_as_in_the_replaced_crate() {
    let long = "x".repeat(17 << 20);
    let stream = format!("id: {long}\ndata: {long}\n\n");
    let event = event!(sse_eventsource_stream, stream);
    assert!(event.data == long && event.id == long);
}
