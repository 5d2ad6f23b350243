//! Texts for people: every reason and every error; and the defaults that the documentation names.

use std::time::Duration;

use sse_proto::{
    Cause, CloseReason, Config, Error, Event, Gap, History, HistoryLimits, Limits, Loss, Message, Overflow,
    ResponseHead,
};

#[test]
fn every_cause_of_a_loss_has_its_message() {
    for (cause, words) in [
        (Cause::EndOfStream, "the response ended"),
        (Cause::Transport, "the connection failed"),
        (Cause::TransportCut, "the connection failed and cut an event"),
        (Cause::EventCut, "the response ended in the middle of an event, which was discarded as incomplete"),
        (Cause::NotSent, "the request was not sent"),
        (Cause::ConnectTimeout, "no connection was made in time (connect timeout)"),
        (Cause::HeadTimeout, "no response came in time (head timeout)"),
        (Cause::IdleTimeout, "the server fell silent"),
        (Cause::EventTimeout, "no event came in time"),
        (Cause::Status(503), "the server answered with status 503"),
        (Cause::Suspended, "the connection was suspended"),
    ] {
        assert_eq!(cause.to_string(), words);
    }
}

#[test]
fn every_close_reason_has_its_message_and_says_whether_it_is_a_failure() {
    let cause = Cause::EndOfStream;
    let limit = CloseReason::Limit(Error::IdTooLong { limit: 4 });
    for (reason, is_failure, words) in [
        (CloseReason::Caller, false, "closed by the caller"),
        (CloseReason::NoContent, false, "the server answered with status 204: do not connect again"),
        (CloseReason::Status(404), true, "the server answered with status 404 instead of 200"),
        (CloseReason::ContentType, true, "the response is not text/event-stream"),
        (CloseReason::Rejected, true, "the application rejected the response"),
        (CloseReason::Transport, true, "the connection failed, and another attempt would too"),
        (limit, true, "an event ID is longer than 4 bytes: raise `Limits::id` or set `Overflow::Skip`"),
        (CloseReason::NotRepeated(cause), false, "the response ended, and the request is not sent again"),
        (
            CloseReason::NotRepeated(Cause::Transport),
            true,
            "the connection failed, and the request is not sent again",
        ),
        (
            CloseReason::GaveUp { cause, attempts: 0 },
            true,
            "the response ended, and the policy is not to reconnect",
        ),
        (
            CloseReason::GaveUp { cause, attempts: 1 },
            true,
            "the response ended; gave up after 1 reconnection attempt",
        ),
        (
            CloseReason::GaveUp { cause, attempts: 2 },
            true,
            "the response ended; gave up after 2 reconnection attempts",
        ),
    ] {
        assert_eq!(reason.to_string(), words);
        assert_eq!(reason.is_failure(), is_failure, "{reason}");
    }
}

#[test]
fn a_loss_prints_its_cause_and_the_chain_of_its_error_once() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the HTTP request failed")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let loss = Loss::new(Cause::NotSent, Some(Outer(std::io::Error::other("refused"))));
    assert_eq!(loss.to_string(), "the request was not sent: the HTTP request failed: refused");
    assert_eq!((loss.cause(), loss.error().is_some()), (Cause::NotSent, true));
    assert_eq!(loss.into_error().unwrap().0.to_string(), "refused");
    let repeating = std::io::Error::other(Outer(std::io::Error::other("refused")));
    assert_eq!(
        Loss::new(Cause::Transport, Some(repeating)).to_string(),
        "the connection failed: the HTTP request failed: refused"
    );
    assert_eq!(Loss::<Outer>::new(Cause::EndOfStream, None).to_string(), "the response ended");
}

#[test]
fn the_message_of_a_gap_says_what_to_do() {
    let limits = HistoryLimits::new().with_events(1);
    let mut history = History::new(limits);
    let unknown: Gap = history.after("7").unwrap_err();
    assert_eq!(unknown.to_string(), "the last event ID is not known: fetch the current state again");
    let mut cursor = history.end();
    for item in ["a", "b", "c"] {
        history.append(Default::default(), None, item);
    }
    let evicted = history.read(&mut cursor).unwrap_err();
    assert_eq!(evicted.to_string(), "2 events are no longer kept: fetch the current state again");
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let limits = Limits::default();
    assert_eq!((limits.event(), limits.id(), limits.overflow()), (16 * 1024 * 1024, 4096, Overflow::Fail));
    let HistoryLimits { events, bytes, age, .. } = HistoryLimits::default();
    assert_eq!((events, bytes, age), (4096, 4 * 1024 * 1024, Duration::from_secs(60 * 60)));
}

#[test]
fn debug_shows_a_message_in_its_parts() {
    let message = Message::from(Event { event: "add", data: "1", id: "7" });
    assert_eq!(format!("{message:?}"), r#"Message { event: "add", data: "1", id: "7" }"#);
    assert_eq!(Event::from(&message), Event { event: "add", data: "1", id: "7" });
}

#[test]
fn the_last_of_repeated_headers_counts_and_their_names_have_no_case() {
    let headers: [(&str, &[u8]); 6] = [
        ("Content-Type", b"text/plain"),
        ("CONTENT-TYPE", b"text/html; title=\"Caf\xe9\""),
        ("retry-after", b"7"),
        ("x-date", b"x"),
        ("date", b""),
        ("retry-after-that", b"8"),
    ];
    let head = ResponseHead::new(503, headers);
    assert_eq!(head.status, 503);
    assert_eq!(head.content_type, Some("text/html; title=\"Caf"));
    assert_eq!((head.retry_after, head.date), (Some("7"), Some("")));
    assert_eq!((head.content_encoding, head.transfer_encoding), (None, None));
}

#[test]
fn a_configured_last_event_id_precedes_a_header() {
    let mut config = Config::default();
    config.resume_after(b"caf\xe9");
    assert_eq!(config.last_event_id(), "");
    for header in ["caf\u{e9}", "7"] {
        config.resume_after(header.as_bytes());
        assert_eq!(config.last_event_id(), "caf\u{e9}");
    }
}
