//! Each difference from `reqwest-eventsource` 0.6.0 that `MIGRATION.md` lists: the old behaviour
//! and the new one.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

#[path = "suite/support.rs"]
#[allow(dead_code, reason = "the suite uses the rest")]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use support::{Answer, Seen, Server, client};

const SOON: Duration = Duration::from_millis(1);

/// Follows `request` with either crate until it ends, or it has yielded `max` errors, and closes
/// it; the errors.
macro_rules! errors {
    ($krate:ident, $request:expr, $policy:expr, $max:expr) => {{
        let mut source = $krate::EventSource::new($request).unwrap();
        source.set_retry_policy(Box::new($policy));
        let mut errors: Vec<$krate::Error> = Vec::new();
        while errors.len() < $max {
            match source.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => errors.push(error),
                None => break,
            }
        }
        errors
    }};
}

/// The `Last-Event-ID` headers, `-` for none, with which either crate follows a script up to a
/// final 204.
macro_rules! ids {
    ($krate:ident, $seed:expr, $streams:expr) => {{
        let streams = $streams.iter().copied().map(Answer::stream);
        let mut server = Server::start(streams.chain([Answer::status("204 No Content", "", "")]));
        let seed: Option<&str> = $seed;
        let mut request = client().get(&server.url);
        if let Some(id) = seed {
            request = request.header("Last-Event-ID", id);
        }
        let errors = errors!($krate, request, $krate::retry::Constant::new(SOON, None), 9);
        (server.last_event_ids(), errors.last().unwrap().to_string())
    }};
}

fn ids(ids: &[&str]) -> (Vec<String>, String) {
    (ids.iter().map(|&id| id.to_owned()).collect(), "Invalid status code: 204 No Content".to_owned())
}

/// A policy of either crate that retries at once and records its arguments.
macro_rules! recorder {
    ($krate:ident) => {{
        type Told = Arc<Mutex<(Vec<Option<usize>>, Vec<u128>)>>;
        struct Recorder(Told);
        impl $krate::retry::RetryPolicy for Recorder {
            fn retry(&self, _: &$krate::Error, last: Option<(usize, Duration)>) -> Option<Duration> {
                self.0.lock().unwrap().0.push(last.map(|(number, _)| number));
                Some(SOON)
            }

            fn set_reconnection_time(&mut self, duration: Duration) {
                self.0.lock().unwrap().1.push(duration.as_millis());
            }
        }
        let told = Told::default();
        (Recorder(Arc::clone(&told)), told)
    }};
}

#[tokio::test]
async fn max_retries_is_honoured_and_no_longer_ignored() {
    macro_rules! count {
        ($krate:ident) => {{
            let policy = $krate::retry::Constant::new(SOON, Some(2));
            errors!($krate, client().get(&Server::start([]).url), policy, 9).len()
        }};
    }
    assert_eq!(count!(original), 9, "and so on");
    assert_eq!(count!(sse_reqwest_eventsource), 3, "the first attempt and two retries");
}

#[tokio::test]
async fn max_retries_of_zero_no_longer_retries() {
    macro_rules! delay {
        ($krate:ident) => {{
            use $krate::retry::RetryPolicy;
            $krate::retry::Constant::new(SOON, Some(0)).retry(&$krate::Error::StreamEnded, None)
        }};
    }
    assert_eq!(delay!(original), Some(SOON));
    assert_eq!(delay!(sse_reqwest_eventsource), None);
}

#[tokio::test]
async fn the_number_of_retries_counts_up_and_is_no_longer_always_one() {
    macro_rules! numbers {
        ($krate:ident) => {{
            let (policy, told) = recorder!($krate);
            errors!($krate, client().get(&Server::start([]).url), policy, 4);
            told.lock().unwrap().0.clone()
        }};
    }
    assert_eq!(numbers!(original), [None, Some(1), Some(1), Some(1)]);
    assert_eq!(numbers!(sse_reqwest_eventsource), [None, Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn a_bare_200_no_longer_resets_the_count_of_retries() {
    macro_rules! numbers {
        ($krate:ident) => {{
            let server = Server::start([Answer::stream(""), Answer::stream(""), Answer::stream("")]);
            let (policy, told) = recorder!($krate);
            errors!($krate, client().get(&server.url), policy, 3);
            told.lock().unwrap().0.clone()
        }};
    }
    assert_eq!(numbers!(original), [None, None, None]);
    assert_eq!(numbers!(sse_reqwest_eventsource), [None, Some(1), Some(2)]);
}

#[tokio::test]
async fn an_event_without_an_id_no_longer_makes_a_later_connection_forget_the_id() {
    let streams = ["id: 5\ndata: a\n\n", "data: b\n\n"];
    assert_eq!(ids!(original, None, streams), ids(&["-", "5", ""]));
    assert_eq!(ids!(sse_reqwest_eventsource, None, streams), ids(&["-", "5", "5"]));
}

// 9.2.3: `Last-Event-ID` is set only if the last event ID string is not empty.
#[tokio::test]
async fn without_an_id_no_empty_header_is_sent_any_longer() {
    let streams = ["data: a\n\n"];
    assert_eq!(ids!(original, None, streams), ids(&["-", ""]));
    assert_eq!(ids!(sse_reqwest_eventsource, None, streams), ids(&["-", "-"]));
}

#[tokio::test]
async fn the_callers_last_event_id_header_is_the_first_id_and_no_longer_doubled() {
    let streams = ["data: a\n\n", "id: 2\ndata: b\n\n"];
    assert_eq!(ids!(original, Some("1"), streams), ids(&["1", "1 and ", "1 and 2"]));
    assert_eq!(ids!(sse_reqwest_eventsource, Some("1"), streams), ids(&["1", "1", "2"]));
}

#[tokio::test]
async fn the_id_of_a_block_without_data_is_no_longer_forgotten_with_its_connection() {
    let streams = ["id: 7\n\n"];
    assert_eq!(ids!(original, None, streams), ids(&["-", ""]));
    assert_eq!(ids!(sse_reqwest_eventsource, None, streams), ids(&["-", "7"]));
}

#[tokio::test]
async fn an_id_with_a_control_character_is_not_sent_and_no_longer_ends_the_client() {
    let streams = ["id: a\u{1}b\ndata: a\n\n"];
    let (sent, error) = ids!(original, None, streams);
    assert_eq!((&sent[..], error.as_str()), (&["-".to_owned()][..], "Invalid `Last-Event-ID`: a\u{1}b"));
    assert_eq!(ids!(sse_reqwest_eventsource, None, streams), ids(&["-", "-"]));
}

// 9.2.6: `retry` sets the reconnection time.
#[tokio::test]
async fn retry_alone_in_a_block_sets_the_reconnection_time_and_is_no_longer_ignored() {
    macro_rules! times {
        ($krate:ident) => {{
            let server = Server::start([Answer::stream("retry: 50\n\ndata: a\n\n")]);
            let (policy, told) = recorder!($krate);
            errors!($krate, client().get(&server.url), policy, 1);
            told.lock().unwrap().1.clone()
        }};
    }
    assert_eq!(times!(original), [0; 0]);
    assert_eq!(times!(sse_reqwest_eventsource), [50]);
}

#[test]
fn a_reconnection_time_of_zero_is_raised_and_no_longer_makes_a_busy_loop() {
    macro_rules! delays {
        ($krate:ident) => {{
            use $krate::retry::{Constant, ExponentialBackoff, RetryPolicy};
            let mut constant = Constant::new(SOON, None);
            constant.set_reconnection_time(Duration::ZERO);
            let mut backoff = ExponentialBackoff::new(SOON, 2., None, None);
            backoff.set_reconnection_time(Duration::ZERO);
            [constant.delay, backoff.start]
        }};
    }
    assert_eq!(delays!(original), [Duration::ZERO; 2]);
    assert_eq!(delays!(sse_reqwest_eventsource), [Duration::from_millis(10); 2]);
}

#[test]
fn a_factor_that_is_not_a_number_gives_the_longest_delay_and_no_longer_panics() {
    macro_rules! delay {
        ($krate:ident) => {{
            use $krate::retry::{ExponentialBackoff, RetryPolicy};
            let policy = ExponentialBackoff::new(SOON, f64::NAN, Some(Duration::from_secs(5)), None);
            std::panic::catch_unwind(|| policy.retry(&$krate::Error::StreamEnded, Some((1, SOON))))
        }};
    }
    assert!(delay!(original).is_err());
    assert_eq!(delay!(sse_reqwest_eventsource).unwrap(), Some(Duration::from_secs(5)));
}

// 9.2.2: the content type is compared as a MIME type.
#[tokio::test]
async fn a_content_type_with_an_odd_parameter_is_accepted_and_no_longer_refused() {
    macro_rules! opens {
        ($krate:ident, $value:expr) => {{
            let headers = format!("Content-Type: {}\r\n", $value);
            let server = Server::start([Answer::status("200 OK", &headers, "data: a\n\n")]);
            let errors = errors!($krate, client().get(&server.url), $krate::retry::Never, 1);
            matches!(errors[..], [$krate::Error::StreamEnded])
        }};
    }
    for value in ["text/event-stream; charset", "text/event-stream; name=gr\u{fc}n"] {
        assert!(!opens!(original, value), "{value}");
        assert!(opens!(sse_reqwest_eventsource, value), "{value}");
    }
    for value in ["text/event-stream", "Text/Event-Stream; charset=x"] {
        assert!(opens!(original, value) && opens!(sse_reqwest_eventsource, value), "{value}");
    }
}

#[tokio::test]
async fn the_last_of_several_content_types_counts_and_no_longer_the_first() {
    macro_rules! opens {
        ($krate:ident, $first:expr, $last:expr) => {{
            let headers = format!("Content-Type: {}\r\nContent-Type: {}\r\n", $first, $last);
            let server = Server::start([Answer::status("200 OK", &headers, "")]);
            let errors = errors!($krate, client().get(&server.url), $krate::retry::Never, 1);
            matches!(errors[..], [$krate::Error::StreamEnded])
        }};
    }
    let (page, stream) = ("text/html", "text/event-stream");
    assert!(opens!(original, stream, page) && !opens!(original, page, stream));
    assert!(!opens!(sse_reqwest_eventsource, stream, page) && opens!(sse_reqwest_eventsource, page, stream));
}

#[tokio::test]
async fn close_drops_the_connection_at_once_and_no_longer_keeps_it() {
    macro_rules! close {
        ($krate:ident, $drop:expr) => {{
            let mut server = Server::start([Answer::held("data: a\n\n")]);
            let mut source = $krate::EventSource::new(client().get(&server.url)).unwrap();
            for _ in 0..2 {
                source.next().await.unwrap().unwrap();
            }
            server.request().await;
            source.close();
            assert!(source.next().await.is_none());
            if $drop {
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                assert!(server.seen().now_or_never().is_none());
                drop(source);
            }
            assert!(matches!(server.seen().await, Seen::Hangup));
        }};
    }
    close!(original, true);
    close!(sse_reqwest_eventsource, false);
}

#[tokio::test]
async fn the_callers_last_event_id_header_is_the_last_event_id_from_the_start() {
    let request = || client().get("http://127.0.0.1:9/").header("Last-Event-ID", "1");
    assert_eq!(original::EventSource::new(request()).unwrap().last_event_id(), "");
    assert_eq!(sse_reqwest_eventsource::EventSource::new(request()).unwrap().last_event_id(), "1");
}
