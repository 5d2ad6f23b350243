//! Behaviour of an `EventSource`: what callers of `reqwest-eventsource` rely on, and the rules of
//! WHATWG HTML 9.2.3.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::support::{Answer, Seen, Server, client};
use futures_util::StreamExt;
use reqwest_eventsource::retry::{Constant, Never, RetryPolicy};
use reqwest_eventsource::{Error, Event, EventSource, ReadyState, RequestBuilderExt};

const SOON: Constant = Constant::new(Duration::from_millis(1), None);

fn follow(server: &Server) -> EventSource {
    with_policy(client().get(&server.url), SOON)
}

fn with_policy(
    request: reqwest::RequestBuilder,
    policy: impl RetryPolicy + Send + Unpin + 'static,
) -> EventSource {
    let mut source = request.eventsource().unwrap();
    source.set_retry_policy(Box::new(policy));
    source
}

/// What a source yields up to its end, or up to a 204, with which the scripts end.
async fn said(source: &mut EventSource) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(next) = source.next().await {
        said.push(match next {
            Ok(Event::Open) => "open".into(),
            Ok(Event::Message(message)) => format!("{}/{}/{}", message.event, message.data, message.id),
            Err(Error::InvalidStatusCode(status, _)) if status == 204 => break,
            Err(error) => error.to_string(),
        });
    }
    assert!(source.next().await.is_none());
    assert_eq!(source.ready_state(), ReadyState::Closed);
    said
}

fn no_content() -> Answer {
    Answer::status("204 No Content", "", "")
}

#[tokio::test]
async fn the_source_reconnects_after_each_end_of_a_response_which_is_an_error() {
    let mut server = Server::start([
        Answer::stream("id: 1\ndata: a\n\ndata: half"),
        Answer::stream("event: add\ndata: b\n\n"),
        no_content(),
    ]);
    let mut source = follow(&server);
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert_eq!(source.next().await.unwrap().unwrap(), Event::Open);
    assert_eq!(source.ready_state(), ReadyState::Open);
    assert!(matches!(source.next().await, Some(Ok(Event::Message(message))) if message.data == "a"));
    assert!(matches!(source.next().await, Some(Err(Error::StreamEnded))));
    assert_eq!((source.ready_state(), source.last_event_id()), (ReadyState::Connecting, "1"));
    assert_eq!(said(&mut source).await, ["open", "add/b/1", "Stream ended"]);
    let request = server.request().await;
    assert_eq!(request.line(), "GET /events HTTP/1.1");
    assert_eq!(request.header("accept"), ["text/event-stream"]);
    assert_eq!(server.last_event_ids(), ["1", "1"]);
}

#[tokio::test]
async fn a_bad_status_is_one_error_with_the_unread_response_and_then_the_end() {
    for status in ["204 No Content", "201 Created", "404 Not Found", "429 Too Many Requests", "503 Down"] {
        let body = if status.starts_with("204") { "" } else { "{\"error\":1}" };
        let answer = Answer::status(status, "Content-Type: text/event-stream\r\nX-Why: quota\r\n", body);
        let server = Server::start([answer]);
        let mut source = follow(&server);
        let Some(Err(Error::InvalidStatusCode(code, response))) = source.next().await else {
            panic!("{status} is refused");
        };
        assert_eq!((code.as_str(), response.status()), (&status[..3], code));
        assert_eq!(response.headers()["x-why"], "quota");
        assert_eq!(response.text().await.unwrap(), body);
        assert_eq!(source.ready_state(), ReadyState::Closed);
        assert!(source.next().await.is_none());
    }
}

#[tokio::test]
async fn another_content_type_is_one_error_with_the_unread_response_and_then_the_end() {
    let types = [
        "Content-Type: text/html\r\n",
        "Content-Type: text/event-streamX\r\n",
        "Content-Type: text/event-stream\r\nContent-Type: text/html\r\n",
        "Content-Type: \r\n",
        "",
    ];
    for headers in types {
        let server = Server::start([Answer::status("200 OK", headers, "data: page\n\n")]);
        let mut source = follow(&server);
        let Some(Err(Error::InvalidContentType(value, response))) = source.next().await else {
            panic!("{headers:?} is refused");
        };
        assert_eq!(value.to_str().unwrap(), headers.rsplit(": ").next().unwrap().trim());
        assert_eq!(response.text().await.unwrap(), "data: page\n\n");
        assert!(source.next().await.is_none());
    }
}

#[tokio::test]
async fn the_content_type_is_compared_without_case_and_parameters() {
    for value in
        ["Text/Event-Stream; charset=x", "text/event-stream;", "text/event-stream; name=\"gr\u{fc}n\""]
    {
        let headers = format!("Content-Type: {value}\r\n");
        let server = Server::start([Answer::status("200 OK", &headers, "data: a\n\n")]);
        let mut source = with_policy(client().get(&server.url), Never);
        assert_eq!(said(&mut source).await, ["open", "message/a/", "Stream ended"], "{value}");
    }
}

#[tokio::test]
async fn a_post_is_repeated_with_its_body_and_headers() {
    let mut server = Server::start([Answer::stream(""), no_content()]);
    let request = client().post(&server.url).header("x-key", "k").body("prompt");
    said(&mut with_policy(request, SOON)).await;
    for _ in 0..2 {
        let request = server.request().await;
        assert_eq!((request.line().as_str(), &request.body[..]), ("POST /events HTTP/1.1", &b"prompt"[..]));
        assert_eq!(request.header("x-key"), ["k"]);
    }
}

#[tokio::test]
async fn the_clients_own_settings_are_used() {
    let mut server = Server::start([
        Answer::status("307 Temporary Redirect", "Location: /moved\r\n", ""),
        Answer::stream("data: a\n\n"),
    ]);
    let client = reqwest::Client::builder().no_proxy().user_agent("mine").build().unwrap();
    let mut source = with_policy(client.get(&server.url), Never);
    assert_eq!(said(&mut source).await, ["open", "message/a/", "Stream ended"]);
    for line in ["GET /events HTTP/1.1", "GET /moved HTTP/1.1"] {
        let request = server.request().await;
        assert_eq!((request.line().as_str(), request.header("user-agent")), (line, vec!["mine".to_owned()]));
    }
}

#[tokio::test]
async fn an_id_outlives_events_without_one_and_any_number_of_connections() {
    let mut server = Server::start([
        Answer::stream("id: 5\ndata: a\n\ndata: b\n\n"),
        Answer::stream("data: c\n\n"),
        Answer::stream(""),
        no_content(),
    ]);
    let mut source = follow(&server);
    let events = said(&mut source).await;
    assert_eq!(
        events.iter().filter(|said| said.contains('/')).collect::<Vec<_>>(),
        ["message/a/5", "message/b/5", "message/c/5"]
    );
    assert_eq!(server.last_event_ids(), ["-", "5", "5", "5"]);
    assert_eq!(source.last_event_id(), "5");
}

#[tokio::test]
async fn the_source_resumes_from_the_id_of_a_block_without_data_and_not_of_a_cut_block() {
    let mut server = Server::start([Answer::stream("id: 7\n\nid: 8\ndata: half"), no_content()]);
    said(&mut follow(&server)).await;
    assert_eq!(server.last_event_ids(), ["-", "7"]);
}

#[tokio::test]
async fn the_callers_last_event_id_header_is_sent_once_until_the_stream_sets_another() {
    let mut server = Server::start([Answer::stream("data: a\n\nid: 2\ndata: b\n\n"), no_content()]);
    let mut source = with_policy(client().get(&server.url).header("Last-Event-ID", "1"), SOON);
    assert_eq!(source.last_event_id(), "1");
    assert_eq!(said(&mut source).await, ["open", "message/a/1", "message/b/2", "Stream ended"]);
    assert_eq!(server.last_event_ids(), ["1", "2"]);
}

#[tokio::test]
async fn an_empty_id_is_never_sent() {
    let mut server = Server::start([Answer::stream("id\ndata: a\n\n"), no_content()]);
    said(&mut with_policy(client().get(&server.url).header("Last-Event-ID", "1"), SOON)).await;
    assert_eq!(server.last_event_ids(), ["1", "-"]);

    let mut server = Server::start([Answer::stream("data: a\n\n"), no_content()]);
    said(&mut with_policy(client().get(&server.url).header("Last-Event-ID", ""), SOON)).await;
    assert_eq!(server.last_event_ids(), ["-", "-"]);
}

#[tokio::test]
async fn an_id_is_sent_as_utf8_unless_no_header_can_carry_it_which_does_not_end_the_source() {
    let mut server = Server::start([
        Answer::stream("id: gr\u{fc}n\ndata: a\n\n"),
        Answer::stream("id: a\u{1}b\ndata: b\n\n"),
        Answer::stream("data: c\n\n"),
        no_content(),
    ]);
    let events = said(&mut follow(&server)).await;
    assert_eq!(
        events.iter().filter(|said| said.contains('/')).collect::<Vec<_>>(),
        ["message/a/gr\u{fc}n", "message/b/a\u{1}b", "message/c/a\u{1}b"]
    );
    assert_eq!(server.last_event_ids(), ["-", "gr\u{fc}n", "-", "-"]);
}

/// Retries at once, `max` times, and records its arguments.
#[derive(Clone)]
struct Recorder {
    told: Arc<Mutex<Told>>,
    max: usize,
}

#[derive(Default)]
struct Told {
    retries: Vec<Option<usize>>,
    times: Vec<u128>,
}

impl Recorder {
    fn new(max: usize) -> Self {
        Self { told: Arc::default(), max }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl RetryPolicy for Recorder {
    fn retry(&self, _: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration> {
        let retries = &mut self.told().retries;
        retries.push(last_retry.map(|(number, _)| number));
        (retries.len() <= self.max).then_some(Duration::ZERO)
    }

    fn set_reconnection_time(&mut self, duration: Duration) {
        self.told().times.push(duration.as_millis());
    }
}

#[tokio::test]
async fn the_number_of_retries_counts_up_and_a_bare_200_resets_nothing() {
    let server = Server::start([Answer::stream(""), Answer::stream(": alive\n\n"), Answer::stream("")]);
    let recorder = Recorder::new(3);
    let mut source = with_policy(client().get(&server.url), recorder.clone());
    let said = said(&mut source).await;
    assert_eq!(said[..6], ["open", "Stream ended", "open", "Stream ended", "open", "Stream ended"]);
    assert_eq!(said.len(), 7, "and a refused connection: {said:?}");
    assert_eq!(recorder.told().retries, [None, Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn an_event_resets_the_count_of_retries() {
    let server = Server::start([
        Answer::stream(""),
        Answer::stream("data: a\n\n"),
        Answer::stream(""),
        Answer::stream(""),
    ]);
    let recorder = Recorder::new(3);
    said(&mut with_policy(client().get(&server.url), recorder.clone())).await;
    assert_eq!(recorder.told().retries, [None, None, Some(1), Some(2)]);
}

#[tokio::test]
async fn max_retries_ends_the_source_after_that_many_refused_connections() {
    let server = Server::start([]);
    let policy = Constant::new(Duration::from_millis(1), Some(2));
    let mut source = with_policy(client().get(&server.url), policy);
    let mut errors = 0;
    while let Some(next) = source.next().await {
        assert!(matches!(next, Err(Error::Transport(error)) if error.is_connect()));
        errors += 1;
    }
    assert_eq!(errors, 3);
}

#[tokio::test]
async fn the_policy_is_given_each_reconnection_time_also_one_alone_in_its_block() {
    let server = Server::start([Answer::stream(
        "retry: 5\n\nretry: 6\ndata: a\n\nretry: 6\ndata: b\n\nretry: +7\nretry: soon\ndata: c\n\nretry: 8\n\n",
    )]);
    let recorder = Recorder::new(0);
    said(&mut with_policy(client().get(&server.url), recorder.clone())).await;
    let times = &recorder.told().times;
    assert!([&[5, 6, 6, 8][..], &[6, 6, 8]].contains(&&times[..]), "{times:?}");
}

#[tokio::test]
async fn a_useless_reconnection_time_neither_panics_nor_ends_the_stream() {
    let server = Server::start([Answer::stream("retry: 0\ndata: a\n\n"), no_content()]);
    assert_eq!(said(&mut follow(&server)).await, ["open", "message/a/", "Stream ended"]);

    let server = Server::start([Answer::stream("retry: 18446744073709551615\ndata: a\n\n")]);
    let recorder = Recorder::new(0);
    said(&mut with_policy(client().get(&server.url), recorder.clone())).await;
    assert_eq!(recorder.told().times, [u128::from(u64::MAX)]);
}

#[tokio::test]
async fn a_policy_may_ask_for_the_longest_delay() {
    let server = Server::start([Answer::stream("")]);
    let mut source = with_policy(client().get(&server.url), Constant::new(Duration::MAX, None));
    assert_eq!(source.next().await.unwrap().unwrap(), Event::Open);
    assert!(matches!(source.next().await, Some(Err(Error::StreamEnded))));
    assert_eq!(source.ready_state(), ReadyState::Connecting);
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error_and_its_half_event_meets_no_other() {
    let cut = "Content-Type: text/event-stream\r\nContent-Length: 100\r\n";
    let server = Server::start([
        Answer::status("200 OK", cut, "data: a\n\nda"),
        Answer::stream("ta: b\n\ndata: c\n\n"),
        no_content(),
    ]);
    let said = said(&mut follow(&server)).await;
    assert_eq!(
        [&said[..2], &said[3..]].concat(),
        ["open", "message/a/", "open", "message/c/", "Stream ended"]
    );
    assert!(said[2].contains("error"), "{}", said[2]);
}

#[tokio::test]
async fn close_drops_the_connection_and_ends_the_stream() {
    let mut server = Server::start([Answer::held("id: 1\ndata: a\n\ndata: b\n\n")]);
    let mut source = follow(&server);
    for _ in 0..2 {
        source.next().await.unwrap().unwrap();
    }
    source.close();
    assert_eq!((source.ready_state(), source.last_event_id()), (ReadyState::Closed, "1"));
    assert!(source.next().await.is_none());
    server.request().await;
    assert!(matches!(server.seen().await, Seen::Hangup));
}

#[tokio::test]
async fn close_while_connecting_or_waiting_also_ends_the_stream() {
    let server = Server::start([Answer::stream("")]);
    let mut source = follow(&server);
    source.close();
    assert!(source.next().await.is_none());

    let mut source = with_policy(client().get(&server.url), Constant::new(Duration::MAX, None));
    assert!(source.next().await.unwrap().is_ok() && source.next().await.unwrap().is_err());
    source.close();
    assert!(source.next().await.is_none());
}

#[test]
fn a_request_that_cannot_be_sent_twice_is_an_error() {
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("chunk")]);
    let request = client().post("http://127.0.0.1:9/").body(reqwest::Body::wrap_stream(chunks));
    assert!(request.eventsource().is_err());
    assert!(client().get("no url").eventsource().is_err());
}

#[test]
#[should_panic(expected = "the URL has to be valid")]
fn get_panics_at_a_bad_url() {
    EventSource::get("no url");
}
