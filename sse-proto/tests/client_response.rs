//! Validating responses (9.2.2, 9.2.3).

#[path = "client/mod.rs"]
mod client;

use client::{Client, config, secs};
use sse_proto::{CloseReason, Config, ErrorKind, ReadyState, ResponseHead, Verdict, is_event_stream};

fn answer(config: Config, head: ResponseHead<'_>) -> String {
    let mut client = Client::new(config);
    assert_eq!(client.poll(), "connect 0 id - until 30s");
    client.source.handle_response(head);
    client.poll()
}

fn typed(content_type: &str) -> ResponseHead<'_> {
    ResponseHead::new(200, [("content-type", content_type)])
}

// 9.2.2: status 200 and `text/event-stream` announce the connection (9.2.3).
#[test]
fn a_200_with_the_content_type_opens() {
    for content_type in [
        "text/event-stream",
        "Text/Event-Stream; charset=x",
        "TEXT/EVENT-STREAM",
        "text/event-stream;",
        " text/event-stream\t;a=b;c",
        "text/html, text/event-stream",
        "text/event-stream; a=\"text/html, text/html\"",
        "text/event-stream, */*, ,",
    ] {
        assert_eq!(answer(config(), typed(content_type)), "open", "{content_type:?}");
    }
}

// 9.2.2: another `Content-Type` fails the connection (9.2.3).
#[test]
fn another_content_type_or_none_closes() {
    for content_type in [
        "",
        "text/event-streamX",
        "xtext/event-stream",
        "text/event-stream/x",
        "text/event stream",
        "text /event-stream",
        "event-stream",
        "text/html",
        "application/json; text/event-stream",
        "text/event-stream, text/html",
        "text/html; a=\", text/event-stream\"",
    ] {
        assert!(!is_event_stream(content_type));
        assert_eq!(answer(config(), typed(content_type)), "closed ContentType", "{content_type:?}");
    }
    assert_eq!(answer(config(), ResponseHead::from(200)), "closed ContentType");
}

// 9.2.2: a status other than 200 fails the connection (9.2.3); 9.2.1: 204 stops reconnection.
// Fetch reads a header as Latin-1: any byte may stand in a parameter, and none other in the type.
#[test]
fn only_a_parameter_of_a_content_type_may_have_bytes_that_are_not_utf_8() {
    let opens = |value: &[u8]| {
        let head = ResponseHead::new(200, [("content-type", value)]);
        Config::default().verdict(&head) == Verdict::Open
    };
    assert!(opens(b"text/event-stream; x=\xff"));
    for value in [&b"text/event-stream\xff"[..], b"text/event-stream\xff;", b"\xfftext/event-stream"] {
        assert!(!opens(value), "{value:?}");
    }
    let head = ResponseHead::new(503, [("retry-after", &b"120\xff"[..])]);
    assert_eq!(head.retry_after, Some(""));
}

#[test]
fn every_other_status_closes() {
    for status in [100, 201, 205, 210, 299, 301, 304, 400, 404, 410, 429, 500, 503, 599] {
        let head = ResponseHead::new(status, [("content-type", "text/event-stream")]);
        assert_eq!(answer(config(), head), format!("closed Status({status})"));
    }
    assert_eq!(
        answer(config(), ResponseHead::new(204, [("content-type", "text/event-stream")])),
        "closed NoContent"
    );
}

#[test]
fn lenient_content_types_do_not_include_the_page_of_a_proxy() {
    let lenient = || config().with_lenient_content_type(true);
    for content_type in ["application/json", "text/plain", "", "text/event-streamX", "text/htmlx"] {
        assert_eq!(answer(lenient(), typed(content_type)), "open", "{content_type:?}");
    }
    assert_eq!(answer(lenient(), ResponseHead::from(200)), "open");
    assert_eq!(answer(lenient(), typed("Text/HTML; charset=utf-8")), "closed ContentType");
    let portal = ResponseHead::new(200, [("Content-Type", b"text/html; title=\xe9")]);
    assert_eq!(answer(lenient(), portal), "closed ContentType");
    assert_eq!(
        answer(lenient(), ResponseHead::new(404, [("content-type", "text/event-stream")])),
        "closed Status(404)"
    );
}

/// The client's reaction to a 200 with these `Content-Encoding` headers.
fn coded(config: Config, codings: &[&str]) -> String {
    let codings = codings.iter().map(|&coding| ("Content-Encoding", coding));
    answer(config, ResponseHead::new(200, [("Content-Type", "text/event-stream")].into_iter().chain(codings)))
}

#[test]
fn a_content_coding_that_is_not_decoded_closes() {
    for (codings, named) in [
        (&["gzip"][..], "gzip"),
        (&["GZIP"], "GZIP"),
        (&["br"], "br"),
        (&["identity, deflate"], "deflate"),
        (&["zstd", "identity"], "zstd"),
        (&["identity", "x-gzip"], "x-gzip"),
        (&[" gzip\t,"], "gzip"),
        (&["identityx"], "identityx"),
        (&["a coding with blanks"], "a?coding?with?blanks"),
        (&["a-coding-whose-name-is-longer-than-any-that-is-registered"], "a-coding-whose-name-is-longer-t"),
    ] {
        let closed = format!("closed ContentEncoding({named:?})");
        assert_eq!(coded(config(), codings), closed, "{codings:?}");
        assert_eq!(coded(config().with_lenient_content_type(true), codings), closed, "{codings:?}");
    }
}

// RFC 9112, 7: an HTTP client undoes `chunked`, and leaves other transfer codings in the body.
#[test]
fn a_transfer_coding_other_than_chunked_closes() {
    let coded = |codings: &[&str]| {
        let codings = codings.iter().map(|&coding| ("Transfer-Encoding", coding));
        let headers = [("Content-Type", "text/event-stream")].into_iter().chain(codings);
        answer(config(), ResponseHead::new(200, headers))
    };
    for (codings, named) in [
        (&["gzip, chunked"][..], "gzip"),
        (&["gzip", "chunked"], "gzip"),
        (&["chunked, Deflate"], "Deflate"),
        (&["x-gzip"], "x-gzip"),
        (&["chunkedx"], "chunkedx"),
        (&["chunked;x=1"], "chunked;x=1"),
    ] {
        assert_eq!(coded(codings), format!("closed TransferEncoding({named:?})"), "{codings:?}");
    }
    for codings in [&["chunked"][..], &["Chunked"], &["identity, CHUNKED"], &["chunked", " , "], &[""]] {
        assert_eq!(coded(codings), "open", "{codings:?}");
    }
}

#[test]
fn the_identity_coding_opens() {
    for codings in [&["identity"][..], &["Identity"], &["identity, identity", "identity"], &[""], &[" , "]] {
        assert_eq!(coded(config(), codings), "open", "{codings:?}");
    }
}

#[test]
fn a_refusal_of_a_coding_names_header_and_coding() {
    let head =
        ResponseHead::new(200, [("content-type", "text/event-stream"), ("content-encoding", "gzip, br")]);
    let Verdict::Close(reason) = config().verdict(&head) else { panic!("it opens") };
    assert_eq!(reason.to_string(), "the response has `Content-Encoding: gzip`, which is not decoded");
    assert!(reason.is_failure());
    let head = ResponseHead::new(
        200,
        [("content-type", "text/event-stream"), ("transfer-encoding", "deflate, chunked")],
    );
    let Verdict::Close(reason) = config().verdict(&head) else { panic!("it opens") };
    assert_eq!(reason.to_string(), "the response has `Transfer-Encoding: deflate`, which is not decoded");
    assert!(reason.is_failure());
}

#[test]
fn a_content_type_is_checked_before_a_content_coding() {
    let page = [("content-type", "text/html"), ("content-encoding", "gzip")];
    assert_eq!(answer(config(), ResponseHead::new(200, page)), "closed ContentType");
    assert_eq!(answer(retrying(), ResponseHead::new(503, page)), "lost Status(503), attempt 1 in 1s");
}

fn retrying() -> Config {
    config().with_retry_status(Config::TRANSIENT_STATUS)
}

// Beyond 9.2.2, which closes at every one of them.
#[test]
fn statuses_of_retry_status_are_retried() {
    for status in Config::TRANSIENT_STATUS {
        let said = answer(retrying(), ResponseHead::from(status));
        assert_eq!(said, format!("lost Status({status}), attempt 1 in 1s"));
    }
    assert_eq!(answer(retrying(), ResponseHead::from(501)), "closed Status(501)");
    let all = config().with_retry_status(0..1000);
    assert_eq!(answer(all.clone(), ResponseHead::from(204)), "closed NoContent");
    assert_eq!(answer(all, ResponseHead::from(200)), "closed ContentType");
}

#[test]
fn retry_after_is_a_lower_bound() {
    let delay = |value, date: Option<&str>| {
        let date = date.map(|date| ("Date", date));
        answer(retrying(), ResponseHead::new(503, [("Retry-After", value)].into_iter().chain(date)))
            .replace("lost Status(503), attempt 1 in ", "")
    };
    assert_eq!(delay("120", None), "120s");
    assert_eq!(delay("0", None), "1s", "it never shortens the backoff");
    assert_eq!(delay("soon", None), "1s");
    assert_eq!(delay("31536000", None), "3600s", "bounded by the policy");
    let date = "Tue, 15 Nov 1994 08:12:31 GMT";
    assert_eq!(delay("Tue, 15 Nov 1994 08:13:01 GMT", Some(date)), "30s");
    assert_eq!(delay("Tue, 15 Nov 1994 08:11:01 GMT", Some(date)), "1s");
    assert_eq!(delay("Tue, 15 Nov 1994 08:13:01 GMT", None), "1s", "there is nothing to measure it by");
}

#[test]
fn retry_after_is_forgotten_with_its_attempt() {
    let mut client = Client::new(retrying());
    client.poll();
    client.source.handle_response(ResponseHead::new(503, [("retry-after", "60")]));
    assert_eq!(client.poll(), "lost Status(503), attempt 1 in 60s");
    client.sleep(secs(60));
    assert_eq!(client.poll(), "connect 1 id - until 90s");
    client.source.handle_response(ResponseHead::from(503));
    assert_eq!(client.poll(), "lost Status(503), attempt 2 in 2s");
}

#[test]
fn a_verdict_of_the_application_decides_about_a_response() {
    let decide = |verdict| {
        let mut client = Client::new(config());
        client.poll();
        client.source.handle_verdict(verdict);
        client.poll()
    };
    assert_eq!(decide(Verdict::Open), "open");
    assert_eq!(decide(Verdict::Retry { status: 404, after: None }), "lost Status(404), attempt 1 in 1s");
    assert_eq!(
        decide(Verdict::Retry { status: 200, after: Some(secs(7)) }),
        "lost Status(200), attempt 1 in 7s"
    );
    assert_eq!(decide(Verdict::Close(CloseReason::Rejected)), "closed Rejected");
}

#[test]
fn a_response_without_a_request_is_ignored() {
    let mut client = Client::new(config());
    client.source.handle_response(client::ok());
    client.source.handle_eof();
    client.source.handle_error(ErrorKind::Fatal);
    assert_eq!(client.poll(), "connect 0 id - until 30s");
    client.lose();
    client.source.handle_response(ResponseHead::from(404));
    client.source.handle_error(ErrorKind::Fatal);
    assert_eq!(client.poll(), "wait until 1s");
    client.sleep(secs(1));
    client.connect();
    client.source.handle_response(ResponseHead::from(404));
    assert_eq!(client.read("data: x\n\n"), ["event message \"x\" id ", "read for ever"]);
}

// 9.2.2: a network error is retried unless that is known to be futile.
#[test]
fn a_fatal_error_closes_and_a_retryable_one_does_not() {
    let mut client = Client::new(config());
    client.poll();
    client.source.handle_error(ErrorKind::Retryable);
    assert_eq!(client.poll(), "lost Transport, attempt 1 in 1s");
    client.sleep(secs(1));
    client.poll();
    client.source.handle_eof();
    assert_eq!(client.poll(), "lost EndOfStream, attempt 2 in 2s");
    client.sleep(secs(2));
    client.poll();
    client.source.handle_error(ErrorKind::Fatal);
    assert_eq!(client.source.ready_state(), ReadyState::Closed);
    assert_eq!(client.poll(), "closed Transport");
}

#[test]
fn is_failure_is_false_for_intended_ends() {
    use sse_proto::Cause::{EndOfStream, EventCut, Transport};
    let failures = [
        CloseReason::Status(404),
        CloseReason::ContentType,
        CloseReason::Rejected,
        CloseReason::Transport,
        CloseReason::NotRepeated(Transport),
        CloseReason::GaveUp { cause: EndOfStream, attempts: 3 },
    ];
    assert!(failures.iter().all(CloseReason::is_failure));
    let ends = [
        CloseReason::Caller,
        CloseReason::NoContent,
        CloseReason::NotRepeated(EndOfStream),
        CloseReason::NotRepeated(EventCut),
    ];
    assert!(!ends.iter().any(CloseReason::is_failure));
    assert_eq!(failures[5].to_string(), "the response ended; gave up after 3 reconnection attempts");
}
