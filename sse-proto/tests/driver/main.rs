//! Tests of the driver: its requests to a transport, its reports, and what it drops.

mod fickle;
mod script;

use std::error::Error as _;
use std::future::poll_fn;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use script::{Answer, Broken, Client, Part, body};
use sse_proto::{CloseReason, Config, Limits, Liveness, Overflow, ReadyState, Repeat, Verdict};

const GONE: Answer = Answer::Response(204, Vec::new());

/// Every kind of event there is, and every way to lose a connection but the clocks.
fn story() -> Client {
    let limits = Limits::default().with_event(10).with_overflow(Overflow::Skip);
    Client::new(
        Config::default().with_limits(limits).with_deliver_unterminated(true).with_retry_status(vec![503]),
        [
            body([
                Part::Chunk("retry: 500\n:hi\ndata: on"),
                Part::Chunk("e\nid: 1\n\nevent: add\ndata: two\n\n"),
                Part::Chunk("data: far too long\n\nid: 2\ndata: cut"),
                Part::Error("reset"),
            ]),
            Answer::Error("refused"),
            Answer::Response(503, vec![Part::Chunk("data: of an error page\n\n")]),
            body([Part::Chunk("id: 3\ndata: last")]),
            GONE,
        ],
    )
}

const STORY: [&str; 14] = [
    "open 200",
    "retry 500ms",
    "comment hi",
    "event message \"one\" id 1",
    "event add \"two\" id 1",
    "skipped 19",
    "lost: the connection failed and cut an event: reset, attempt 1 in 500ms",
    "lost: the connection failed: refused, attempt 2 in 1s",
    "lost: the server answered with status 503, attempt 3 in 2s",
    "open 200",
    "event message \"last\" id 1",
    "lost: the response ended, attempt 1 in 500ms",
    "closed: the server answered with status 204: do not connect again, 204",
    "over",
];

#[test]
fn a_driver_connects_reads_and_connects_again() {
    let mut client = story();
    assert_eq!(client.take(STORY.len() - 1), STORY[..STORY.len() - 1]);
    assert!(client.driver.is_done());
    assert_eq!(client.next(), "over");
    assert_eq!(
        client.world.log(),
        [
            "connect 0 id - at 0ns",
            "chunk \"retry: 500\\n:hi\\ndata: on\"",
            "chunk \"e\\nid: 1\\n\\nevent: add\\ndata: two\\n\\n\"",
            "chunk \"data: far too long\\n\\nid: 2\\ndata: cut\"",
            "body dropped",
            "connect 1 id 1 at 500ms",
            "connect 2 id 1 at 1.5s",
            "body dropped",
            "connect 3 id 1 at 3.5s",
            "chunk \"id: 3\\ndata: last\"",
            "body dropped",
            "connect 1 id 1 at 4s",
            "body dropped",
        ]
    );
}

#[test]
fn owned_and_lent_events_are_equal() {
    let mut client = story();
    for expected in STORY {
        assert!(!client.driver.is_done() || expected == "over");
        assert_eq!(client.next_owned(), expected);
    }
}

#[test]
fn a_rejected_response_comes_with_its_body_unread() {
    let page = Answer::Response(404, vec![Part::Chunk("not "), Part::Chunk("here")]);
    let mut client = Client::new(Config::default(), [page]);
    let closed = client.driver.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(closed.reason, CloseReason::Status(404));
    assert_eq!(closed.to_string(), closed.reason.to_string());
    assert_eq!(format!("{closed:?}"), "Closed { reason: Status(404), error: None, head: Some(404), .. }");
    assert!(closed.source().is_none());
    let (head, body) = closed.response.unwrap();
    assert_eq!(head, 404);
    let text: Vec<_> = body.map(|chunk| chunk.unwrap()).collect().now_or_never().unwrap();
    assert_eq!(text, ["not ", "here"]);
}

#[test]
fn the_error_that_ends_a_driver_is_returned() {
    let mut client = Client::new(Config::default(), [Answer::Error("fatal")]);
    let closed = client.driver.next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!(closed.reason, CloseReason::Transport);
    assert_eq!(closed.error, Some(Broken("fatal")));
    assert_eq!(closed.source().unwrap().to_string(), "fatal");
    assert!(closed.response.is_none());

    let config = Config::default().with_repeat(Repeat::Never);
    let mut client = Client::new(config, [body([Part::Error("reset")])]);
    let end = "closed: the connection failed, and the request is not sent again (reset)";
    assert_eq!(client.take(2), ["open 200", end]);
}

#[test]
fn each_loss_has_only_its_own_error() {
    let config = Config::default().with_retry_status(vec![503]);
    let mut client = Client::new(config, [Answer::Error("refused"), Answer::Response(503, vec![]), GONE]);
    assert_eq!(client.next(), "lost: the connection failed: refused, attempt 1 in 1s");
    assert_eq!(client.next(), "lost: the server answered with status 503, attempt 2 in 2s");
}

#[test]
fn the_hook_of_the_transport_decides_about_a_response() {
    let reject = |_| Verdict::Close(CloseReason::Rejected);
    let mut client = Client::judging(reject, Config::default(), [body([Part::Chunk("data: x\n\n")])]);
    assert_eq!(client.take(2), ["closed: the application rejected the response, 200", "over"]);
    let accept = |_| Verdict::Open;
    let page = Answer::Response(404, vec![Part::Chunk("data: x\n\n"), Part::Silence]);
    let mut client = Client::judging(accept, Config::default(), [page]);
    assert_eq!(client.take(3), ["open 404", "event message \"x\" id ", "pending"]);
}

#[test]
fn a_response_that_does_not_begin_ends_at_the_head_timeout() {
    let mut client = Client::new(Config::default(), [Answer::Silence, body([Part::Silence])]);
    assert_eq!(client.next(), "lost: no response came in time (head timeout), attempt 1 in 1s");
    assert_eq!(client.world.log(), ["connect 0 id - at 0ns", "request dropped"]);
    assert_eq!(client.take(2), ["open 200", "pending"]);
    assert_eq!(client.world.log(), ["connect 1 id - at 121s"]);
}

#[test]
fn a_driver_without_a_timeout_waits_for_ever() {
    let mut client = Client::new(Config::default().with_head_timeout(None), [Answer::Silence]);
    assert_eq!(client.next(), "pending");
    assert_eq!(client.world.timers(), 0);
}

#[test]
fn silence_is_noticed_after_the_last_byte_and_few_timers_are_set() {
    let config = Config::default().with_idle_timeout(Duration::from_secs(10));
    let comments = || [Part::Pause(Duration::from_secs(1)), Part::Chunk(":\n")].into_iter().cycle().take(60);
    let parts = comments().chain([Part::Silence]).collect();
    let mut client = Client::new(config, [Answer::Response(200, parts), GONE]);
    assert_eq!(client.next(), "open 200");
    for _ in 0..30 {
        assert_eq!(client.next(), "comment ");
    }
    assert_eq!(client.next(), "lost: the server fell silent, attempt 1 in 1s");
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(40));
    // One is kept until it is over, and then set for the deadline of that time.
    assert!(client.world.timers() <= 5, "{} timers", client.world.timers());
}

#[test]
fn an_earlier_deadline_sets_a_timer_of_its_own() {
    // The running timer belongs to the event timeout, for the 60th second.
    let config =
        Config::default().with_idle_timeout(Liveness::Adaptive).with_event_timeout(Duration::from_secs(60));
    let comment = [Part::Pause(Duration::from_secs(5)), Part::Chunk(":\n")];
    let parts = comment.repeat(3).into_iter().chain([Part::Silence]).collect();
    let mut client = Client::new(config, [Answer::Response(200, parts), GONE]);
    assert_eq!(client.take(4), ["open 200", "comment ", "comment ", "comment "]);
    assert_eq!(client.next(), "lost: the server fell silent, attempt 1 in 1s");
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(45));
    assert_eq!(client.world.timers(), 2);
}

#[test]
fn time_of_a_slow_application_is_not_silence_of_the_server() {
    for config in [
        Config::default().with_idle_timeout(Duration::from_secs(10)),
        Config::default().with_event_timeout(Duration::from_secs(10)),
    ] {
        let parts = [
            Part::Chunk("data: a\n\n"),
            Part::Pause(Duration::from_secs(9)),
            Part::Chunk("data: b\n\n"),
            Part::Silence,
        ];
        let mut client = Client::new(config, [body(parts), GONE]);
        assert_eq!(client.take(2), ["open 200", "event message \"a\" id "]);
        client.world.sleep(Duration::from_secs(3600));
        assert_eq!(client.next(), "event message \"b\" id ");
        client.world.sleep(Duration::from_secs(3600));
        assert!(client.next().starts_with("lost: "));
        assert_eq!(client.world.now().since_epoch(), Duration::from_secs(2 * 3600 + 9 + 10));
    }
}

#[test]
fn bytes_that_arrived_while_nothing_polled_beat_a_deadline_that_passed() {
    for config in [
        Config::default().with_idle_timeout(Duration::from_secs(10)),
        Config::default().with_event_timeout(Duration::from_secs(10)),
    ] {
        for part in [Part::Chunk("data: a\n\n"), Part::Error("reset")] {
            let parts = [Part::Pause(Duration::from_secs(9)), part, Part::Silence];
            let mut client = Client::new(config.clone(), [body(parts), GONE]);
            assert_eq!(client.next(), "open 200");
            // As in a `select!` whose other branch takes an hour.
            assert!(client.driver.next().now_or_never().is_none());
            client.world.sleep(Duration::from_secs(3600));
            let next = client.next();
            assert!(next == "event message \"a\" id " || next.contains("reset"), "{next}");
        }
    }
}

#[test]
fn the_time_for_which_bytes_wait_for_a_poll_is_not_time_without_an_event() {
    let config = Config::default().with_event_timeout(Duration::from_secs(60));
    let parts = [
        Part::Pause(Duration::from_secs(15)),
        Part::Chunk(":\n"),
        Part::Pause(Duration::from_secs(40)),
        Part::Chunk("data: a\n\n"),
        Part::Silence,
    ];
    let mut client = Client::new(config, [body(parts), GONE]);
    assert_eq!(client.next(), "open 200");
    assert!(client.driver.next().now_or_never().is_none());
    client.world.sleep(Duration::from_secs(3600));
    // 15 s were without an event, and the comment has waited since then.
    assert_eq!(client.take(2), ["comment ", "event message \"a\" id "]);
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(3600 + 40));
    assert!(client.next().starts_with("lost: no event came in time"));
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(3600 + 40 + 60));
}

#[test]
fn adaptive_liveness_learns_when_a_comment_arrived_and_not_when_it_was_polled() {
    let config = Config::default().with_idle_timeout(Liveness::Adaptive);
    let comment = [Part::Pause(Duration::from_secs(15)), Part::Chunk(":\n")];
    let parts = comment.repeat(3).into_iter().chain([Part::Silence]).collect();
    let mut client = Client::new(config, [Answer::Response(200, parts), GONE]);
    assert_eq!(client.next_owned(), "open 200");
    for _ in 0..3 {
        // Polled as a stream whose item is not awaited to the end.
        assert!(poll_fn(|cx| client.driver.poll_owned(cx)).now_or_never().is_none());
        client.world.sleep(Duration::from_secs(100));
        assert_eq!(client.next_owned(), "comment ");
    }
    assert_eq!(client.next_owned(), "lost: the server fell silent, attempt 1 in 1s");
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(300 + 45));
}

#[test]
fn a_server_that_sends_nothing_while_nothing_polls_is_silent() {
    let config = Config::default().with_idle_timeout(Duration::from_secs(10));
    let mut client = Client::new(config, [body([Part::Silence]), GONE]);
    assert_eq!(client.next(), "open 200");
    assert!(client.driver.next().now_or_never().is_none());
    client.world.sleep(Duration::from_secs(11));
    assert_eq!(client.next(), "lost: the server fell silent, attempt 1 in 1s");
    assert_eq!(client.world.now().since_epoch(), Duration::from_secs(11));
}

#[test]
fn a_response_that_arrived_while_nothing_polled_beats_the_head_timeout() {
    let answer = Answer::Late(Duration::from_secs(9), 200, vec![Part::Silence]);
    let mut client = Client::new(Config::default(), [answer]);
    assert!(client.driver.next().now_or_never().is_none());
    client.world.sleep(Duration::from_secs(3600));
    assert_eq!(client.next(), "open 200");
}

#[test]
fn the_time_is_read_only_if_a_clock_runs() {
    let parts = [Part::Chunk("data: a\n\ndata: b\n\n:\n"), Part::Chunk("data: c\n\n"), Part::Silence];
    let mut client = Client::new(Config::default(), [body(parts)]);
    assert_eq!(client.next(), "open 200");
    let readings = client.world.readings();
    assert_eq!(client.take(5)[4], "pending");
    assert_eq!(client.world.readings(), readings);
}

#[test]
fn the_time_is_read_for_a_chunk_and_not_for_each_of_its_events() {
    let readings = |chunk, events| {
        let config = Config::default().with_idle_timeout(Duration::from_secs(10));
        let mut client = Client::new(config, [body([Part::Chunk(chunk), Part::Chunk("data: x\n\n")])]);
        assert_eq!(client.next(), "open 200");
        let before = client.world.readings();
        assert_eq!(client.take(events + 1)[events], "event message \"x\" id ");
        client.world.readings() - before
    };
    assert_eq!(readings("data: a\n\n", 1), readings("data: a\n\ndata: b\n\nid\ndata: c\n\n", 3));
}

#[test]
fn no_timer_outlives_its_purpose() {
    let mut client = Client::new(Config::default(), [Answer::Error("reset")]);
    assert!(client.next().starts_with("lost: "));
    assert!(client.driver.next().now_or_never().is_none());
    assert_eq!(client.world.running(), 1);
    client.driver.suspend();
    assert_eq!(client.next(), "pending");
    assert_eq!(client.world.running(), 0);
}

#[test]
fn a_suspension_drops_the_connection_without_a_disconnected_event() {
    let first = body([Part::Chunk("id: 1\ndata: a\n\ndata: b\n\n"), Part::Silence]);
    let mut client = Client::new(Config::default(), [first, body([Part::Silence])]);
    assert_eq!(client.take(2), ["open 200", "event message \"a\" id 1"]);
    client.driver.suspend();
    assert_eq!(client.world.log().last().unwrap(), "body dropped");
    assert_eq!(client.next(), "pending");
    client.driver.resume();
    assert_eq!(client.take(2), ["open 200", "pending"]);
    assert_eq!(client.world.log(), ["connect 0 id 1 at 0ns"]);
}

#[test]
fn a_request_under_way_is_dropped_by_a_suspension() {
    let mut client = Client::new(Config::default(), [Answer::Silence, body([Part::Silence])]);
    assert!(client.driver.next().now_or_never().is_none());
    client.driver.suspend();
    assert_eq!(client.world.log(), ["connect 0 id - at 0ns", "request dropped"]);
    client.driver.resume();
    assert_eq!(client.next(), "open 200");
}

#[test]
fn nothing_follows_close_but_the_end() {
    let mut client = Client::new(Config::default(), [body([Part::Chunk("data: a\n\ndata: b\n\n")])]);
    assert_eq!(client.take(2), ["open 200", "event message \"a\" id "]);
    client.driver.close();
    assert_eq!(client.world.log().last().unwrap(), "body dropped");
    assert!(!client.driver.is_done());
    assert_eq!(client.take(3), ["closed: closed by the caller", "over", "over"]);
}

#[test]
fn retry_after_replaces_the_delay_of_the_driver() {
    let mut client = Client::new(Config::default(), [Answer::Error("refused"), GONE]);
    assert_eq!(client.next(), "lost: the connection failed: refused, attempt 1 in 1s");
    client.driver.retry_after(Duration::from_secs(100));
    client.next();
    assert_eq!(client.world.log()[1], "connect 1 id - at 100s");
}

#[test]
fn a_dropped_future_loses_no_event() {
    let parts = [Part::Pause(Duration::from_secs(1)), Part::Chunk("data: a\n\ndata: b\n\n"), Part::Silence];
    let mut client = Client::new(Config::default(), [body(parts)]);
    assert_eq!(client.next(), "open 200");
    assert!(client.driver.next().now_or_never().is_none());
    client.world.sleep(Duration::from_secs(1));
    assert_eq!(client.take(3), ["event message \"a\" id ", "event message \"b\" id ", "pending"]);
}

#[test]
fn lent_events_lie_in_the_chunk() {
    const CHUNK: &str = "data: whole\n\n";
    let mut client = Client::new(Config::default(), [body([Part::Chunk(CHUNK), Part::Silence])]);
    assert_eq!(client.next(), "open 200");
    let mut next = std::pin::pin!(client.driver.next());
    let event = client.world.run(|cx| next.as_mut().poll(cx)).unwrap().unwrap();
    let Ok(sse_proto::ClientEvent::Message(event)) = event else { panic!("a message is next") };
    assert!(CHUNK.as_bytes().as_ptr_range().contains(&event.data.as_ptr()));
}

#[test]
fn a_driver_can_be_polled_by_any_executor() {
    let mut client = story();
    let mut events = 0;
    let world = client.world.clone();
    let driver = &mut client.driver;
    let mut whole = std::pin::pin!(async {
        while let Some(event) = poll_fn(|cx| driver.poll_owned(cx)).await {
            events += usize::from(event.is_ok());
        }
    });
    assert_eq!(world.run(|cx| whole.as_mut().poll(cx)), Some(()));
    assert_eq!(events, STORY.len() - 2);
}

#[test]
fn debug_shows_the_machine() {
    let client = story();
    let text = format!("{:?}", client.driver);
    assert!(text.starts_with("Driver { source: EventSource {"), "{text}");
    assert!(matches!(client.driver.source().ready_state(), ReadyState::Connecting));
}
