//! Behaviour that callers rely on, tested together with the replaced crate: both have equal
//! results.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use proptest::prelude::*;

type Seen = Result<(String, String, String, Option<Duration>), String>;

/// What either crate makes of `chunks`.
macro_rules! read {
    ($krate:ident, $chunks:expr) => {{
        use $krate::{EventStreamError, Eventsource};
        let chunks: Vec<Result<Vec<u8>, &str>> = $chunks;
        let events = stream::iter(chunks).eventsource().map(|event| match event {
            Ok(event) => Ok((event.event, event.data, event.id, event.retry)),
            Err(EventStreamError::Transport(error)) => Err(error.to_owned()),
            Err(error) => Err(error.to_string()),
        });
        events.collect::<Vec<Seen>>().now_or_never().unwrap()
    }};
}

fn same(chunks: &[Result<&str, &'static str>]) -> Vec<Seen> {
    let owned = || chunks.iter().map(|chunk| chunk.map(|text| text.as_bytes().to_vec())).collect();
    let new = read!(sse_eventsource_stream, owned());
    assert_eq!(new, read!(original, owned()));
    new
}

fn seen(event: &str, data: &str, id: &str, retry: Option<u64>) -> Seen {
    Ok((event.into(), data.into(), id.into(), retry.map(Duration::from_millis)))
}

#[test]
fn events_without_a_type_are_messages_and_inherit_the_id() {
    let events = same(&[Ok("id: 1\ndata: a\n\nevent: add\ndata: b\ndata: c\n\nid\ndata\n\n")]);
    let expected = [("message", "a", "1"), ("add", "b\nc", "1"), ("message", "", "")];
    assert_eq!(events, expected.map(|(event, data, id)| seen(event, data, id, None)));
}

#[test]
fn an_event_has_the_retry_of_its_own_block() {
    let events =
        same(&[Ok("retry: 5\nretry: 7\ndata: a\n\ndata: b\n\nretry: 9\n\ndata: c\n\nretry: 7\ndata: d\n\n")]);
    let expected = [("a", Some(7)), ("b", None), ("c", None), ("d", Some(7))];
    assert_eq!(events, expected.map(|(data, retry)| seen("message", data, "", retry)));
}

#[test]
fn an_error_of_the_chunks_does_not_end_the_stream_nor_the_event() {
    let events = same(&[Ok("data: a"), Err("hiccup"), Err("again"), Ok("b\n\ndata: c\n\n"), Err("last")]);
    let event = |data| seen("message", data, "", None);
    let error = |text: &str| Err(text.into());
    assert_eq!(events, [error("hiccup"), error("again"), event("ab"), event("c"), error("last")]);
}

#[test]
fn an_event_without_its_blank_line_is_dropped() {
    assert_eq!(same(&[Ok("data: a\n\ndata: b\n")]), [seen("message", "a", "", None)]);
}

#[test]
fn the_source_is_not_polled_again_after_its_end() {
    macro_rules! polls {
        ($krate:ident) => {{
            let mut polls = 0;
            let chunks = stream::poll_fn(|_| {
                polls += 1;
                Poll::Ready((polls == 1).then_some(Ok::<_, ()>("data: a\n\ndata: b\n\ndata: c")))
            });
            let mut events = $krate::Eventsource::eventsource(chunks);
            let mut count = 0;
            for _ in 0..5 {
                count += usize::from(events.next().now_or_never().unwrap().is_some());
            }
            drop(events);
            (polls, count)
        }};
    }
    assert_eq!(polls!(original), (2, 2));
    assert_eq!(polls!(sse_eventsource_stream), (2, 2));
}

#[test]
fn the_last_event_id_is_the_id_of_the_last_yielded_event() {
    macro_rules! ids {
        ($krate:ident) => {{
            let chunks = stream::iter([Ok::<_, ()>("id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n")]);
            let mut events = $krate::Eventsource::eventsource(chunks);
            let mut ids = vec![events.last_event_id().to_owned()];
            while let Some(event) = events.next().now_or_never().unwrap() {
                assert_eq!(event.unwrap().id, events.last_event_id());
                ids.push(events.last_event_id().to_owned());
            }
            ids
        }};
    }
    assert_eq!(ids!(original), ["", "1", "2", "2"]);
    assert_eq!(ids!(sse_eventsource_stream), ["", "1", "2", "2"]);
}

/// Lines that both read alike: valid UTF-8, a `retry` of digits alone.
fn line() -> impl Strategy<Value = String> {
    const VALUES: &[&str] = &["", "a", " b", "gr\u{fc}n \u{1f980}", "x:y", "\u{feff}", "nul\0"];
    let value = proptest::sample::select(VALUES);
    prop_oneof![
        4 => Just(String::new()),
        4 => value.clone().prop_map(|value| format!("data:{value}")),
        2 => value.clone().prop_map(|value| format!("id: {value}")),
        1 => value.clone().prop_map(|value| format!("event: {value}")),
        2 => (0_u64..3).prop_map(|value| format!("retry: {value}")),
        1 => Just("retry: soon".to_owned()),
        1 => value.clone().prop_map(|value| format!(": {value}")),
        1 => value.prop_map(|value| format!("other: {value}")),
        1 => prop_oneof![Just("data"), Just("id"), Just("event"), Just("retry")].prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn streams_that_the_replaced_crate_reads_right_are_read_alike_however_they_are_cut(
        lines in proptest::collection::vec((line(), proptest::sample::select(&["\n", "\n", "\r\n", "\r"][..])), 0..40),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let mut stream: String = lines.iter().flat_map(|(line, end)| [line, *end]).collect();
        // A CR at the very end is one of the differences.
        stream.push_str(": end\n");
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = || cuts.windows(2).map(|cut| Ok(stream.as_bytes()[cut[0]..cut[1]].to_vec())).collect();
        prop_assert_eq!(read!(sse_eventsource_stream, chunks()), read!(original, chunks()));
    }
}
