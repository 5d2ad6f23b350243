//! Tests of timeouts, waits and suspension, in virtual time.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::time::Duration;

use futures_util::FutureExt;
use sse_test::paused::{Server, frozen};
use sse_test::{Reply, millis, secs};
use sse_tokio::{CloseReason, Config, EventRef, EventSource, Liveness, ReadyState};
use support::{builder, config, listen, next, source};
use tokio::time::Instant;

/// Asserts that `future` takes this much virtual time.
async fn takes<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let output = future.await;
    assert_eq!(start.elapsed().as_secs_f64().round(), seconds as f64);
    output
}

/// What the source says after the comments.
async fn after_comments(source: &mut EventSource) -> String {
    loop {
        let said = next(source).await;
        if said != "open 200" && !said.starts_with("comment") {
            return said;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_disconnected_at_the_idle_timeout() {
    let server = Server::start([Reply::stream("data: a\n\n").hold(), Reply::stream("").hold()]).await;
    let config = config().with_idle_timeout(secs(45));
    let mut source = builder(&server, "/").config(config).build().unwrap();
    frozen(async {
        assert_eq!(next(&mut source).await, "open 200");
        assert_eq!(next(&mut source).await, "message \"a\" id ");
    })
    .await;
    assert_eq!(takes(45, next(&mut source)).await, "lost IdleTimeout, attempt 1 in 1s");
    frozen(server.hung_up()).await;
    assert_eq!(takes(1, next(&mut source)).await, "open 200");
}

#[tokio::test(start_paused = true)]
async fn without_an_idle_timeout_silence_lasts() {
    for beyond_any_clock in [None, Some(Duration::MAX)] {
        let server = Server::start([Reply::stream("").sleep(secs(86400 * 7)).send("data: a\n\n")]).await;
        let config = config().with_event_timeout(beyond_any_clock).with_head_timeout(beyond_any_clock);
        let mut source = builder(&server, "/").config(config).build().unwrap();
        assert_eq!(next(&mut source).await, "open 200");
        assert_eq!(takes(86400 * 7, next(&mut source)).await, "message \"a\" id ");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trickle_of_bytes_ends_at_the_event_timeout() {
    // A comment every 6.5 s, byte by byte, for two minutes.
    let comment = b": still here\n";
    let mut answer = Reply::stream("");
    for byte in comment.iter().cycle().take(20 * comment.len()) {
        answer = answer.sleep(millis(500)).send([*byte]);
    }
    let server = Server::start([answer.clone().send("data: a\n\n").hold(), answer.hold()]).await;
    let clocks = |event| config().with_idle_timeout(secs(5)).with_event_timeout(event);

    let mut source = builder(&server, "/").config(clocks(None)).build().unwrap();
    assert_eq!(takes(130, after_comments(&mut source)).await, "message \"a\" id ");
    drop(source);

    let mut source = builder(&server, "/").config(clocks(Some(secs(60)))).build().unwrap();
    assert_eq!(takes(60, after_comments(&mut source)).await, "lost EventTimeout, attempt 1 in 1s");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_application_takes_is_not_silence() {
    let server = Server::start([Reply::stream("data: a\n\n").hold()]).await;
    let config = config().with_idle_timeout(secs(10)).with_event_timeout(secs(10));
    let mut source = builder(&server, "/").config(config).build().unwrap();
    frozen(async {
        next(&mut source).await;
        next(&mut source).await;
    })
    .await;
    tokio::time::sleep(secs(3600)).await;
    assert_eq!(takes(10, next(&mut source)).await, "lost IdleTimeout, attempt 1 in 1s");
}

#[tokio::test(start_paused = true)]
async fn the_time_after_a_dropped_next_is_not_time_without_an_event() {
    let answer = Reply::stream("").sleep(secs(15)).send(":\n").sleep(secs(40)).send("data: a\n\n").hold();
    let server = Server::start([answer]).await;
    let config = config().with_event_timeout(secs(60));
    let mut source = builder(&server, "/").config(config).build().unwrap();
    assert_eq!(frozen(next(&mut source)).await, "open 200");
    tokio::time::timeout(secs(1), next(&mut source)).await.unwrap_err();
    tokio::time::sleep(secs(3600)).await;
    frozen(async {
        assert_eq!(next(&mut source).await, "comment ");
        assert_eq!(next(&mut source).await, "message \"a\" id ");
    })
    .await;
    assert_eq!(takes(60, next(&mut source)).await, "lost EventTimeout, attempt 1 in 1s");
}

#[tokio::test(start_paused = true)]
async fn adaptive_liveness_learns_from_keep_alives() {
    let mut answer = Reply::stream("");
    for _ in 0..4 {
        answer = answer.sleep(secs(15)).send(":\n");
    }
    let server = Server::start([answer.hold()]).await;
    let config = config().with_idle_timeout(Liveness::Adaptive);
    let mut source = builder(&server, "/").config(config).build().unwrap();
    let learned = takes(4 * 15 + 3 * 15, after_comments(&mut source));
    assert_eq!(learned.await, "lost IdleTimeout, attempt 1 in 1s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_sends_nothing_ends_at_the_head_timeout() {
    let server = Server::start([Reply::raw("").hold(), Reply::raw("HTTP/1.1 200 OK\r\nCont").hold()]).await;
    let config = config().with_head_timeout(secs(30));
    let mut source = builder(&server, "/").config(config).build().unwrap();
    assert_eq!(takes(30, next(&mut source)).await, "lost HeadTimeout, attempt 1 in 1s");
    frozen(server.hung_up()).await;
    assert_eq!(takes(31, next(&mut source)).await, "lost HeadTimeout, attempt 2 in 2s");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_request_hook_does_not_count_for_the_head_timeout() {
    let server = Server::start([Reply::raw("").hold()]).await;
    let source = builder(&server, "/").config(config().with_head_timeout(secs(30)));
    let source = source.on_request(|request, _| async {
        tokio::time::sleep(secs(100)).await;
        Ok(request)
    });
    let lost = "lost HeadTimeout, attempt 1 in 1s";
    assert_eq!(takes(130, next(&mut source.build().unwrap())).await, lost);
}

// 9.2.3: the user agent may wait longer after failed attempts.
#[tokio::test(start_paused = true)]
async fn waits_grow_with_failures_and_an_event_resets_them() {
    let server = Server::start([
        Reply::stream(""),
        Reply::stream(": a 200 and a comment prove nothing\n"),
        Reply::stream(""),
        Reply::stream("data: a\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    let lost: Vec<_> = said.iter().filter(|words| words.starts_with("lost")).collect();
    assert_eq!(
        lost,
        [
            "lost EndOfStream, attempt 1 in 1s",
            "lost EndOfStream, attempt 2 in 2s",
            "lost EndOfStream, attempt 3 in 4s",
            "lost EndOfStream, attempt 1 in 1s"
        ]
    );
    let requests = server.received();
    let waits: Vec<_> = requests.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_source_ends_after_max_attempts() {
    let server = Server::start([Reply::stream(""), Reply::raw("").reset(), Reply::raw("").reset()]).await;
    let mut config = config();
    let policy = config.policy().with_max_attempts(2);
    config = config.with_policy(policy);
    let mut source = builder(&server, "/").config(config).build().unwrap();
    assert_eq!(
        listen(&mut source).await[3],
        "error: the connection failed; gave up after 2 reconnection attempts: Connection reset by peer (os error 104)"
    );
    assert_eq!(server.received().len(), 3);
    assert_eq!(source.ready_state(), ReadyState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_application_decides_after_each_disconnected_event() {
    let server = Server::start([Reply::stream("id: 1\n\n"), Reply::stream(""), Reply::stream("")]).await;
    let mut source = source(&server);
    assert_eq!(next(&mut source).await, "open 200");
    assert_eq!(next(&mut source).await, "lost EndOfStream, attempt 1 in 1s");
    source.retry_after(secs(77));
    assert_eq!(takes(77, next(&mut source)).await, "open 200");
    assert_eq!(next(&mut source).await, "lost EndOfStream, attempt 2 in 2s");
    source.retry_after(secs(0));
    assert_eq!(takes(0, next(&mut source)).await, "open 200");
    assert_eq!(next(&mut source).await, "lost EndOfStream, attempt 3 in 4s");
    source.close();
    assert_eq!(takes(0, next(&mut source)).await, "end");
    assert_eq!(server.received().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_source_hangs_up_and_resumes_after_its_id() {
    let server =
        Server::start([Reply::stream("id: 4\ndata: a\n\n").hold(), Reply::stream("data: b\n\n")]).await;
    // The clock of the first connection attempt must not have run meanwhile.
    let config = config().with_head_timeout(secs(30));
    let mut source = builder(&server, "/").config(config).build().unwrap();
    frozen(async {
        next(&mut source).await;
        next(&mut source).await;
        assert_eq!(source.ready_state(), ReadyState::Open);
        source.suspend();
        server.hung_up().await;
    })
    .await;
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert!(source.next_event().now_or_never().is_none());
    tokio::time::sleep(secs(3600)).await;
    assert!(source.next_event().now_or_never().is_none());
    assert_eq!(server.received().len(), 1);

    source.resume();
    frozen(async {
        assert_eq!(next(&mut source).await, "open 200");
        assert_eq!(next(&mut source).await, "message \"b\" id 4");
    })
    .await;
    assert_eq!(server.sent("last-event-id"), [None, Some("4".into())]);
}

#[tokio::test(start_paused = true)]
async fn suspending_a_post_ends_the_source() {
    let server = Server::start([Reply::stream("data: a\n\n").hold()]).await;
    let mut source = builder(&server, "/").method(reqwest::Method::POST).build().unwrap();
    next(&mut source).await;
    source.suspend();
    server.hung_up().await;
    let end = "error: the connection was suspended, and the request is not sent again";
    assert_eq!(listen(&mut source).await, [end]);
}

// 9.2.2: CONNECTING 0, OPEN 1, CLOSED 2.
#[tokio::test(start_paused = true)]
async fn the_ready_state_has_the_numbers_of_the_specification() {
    let server = Server::start([Reply::stream("data: a\n\n")]).await;
    let mut source = source(&server);
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    next(&mut source).await;
    assert_eq!(source.ready_state(), ReadyState::Open);
    next(&mut source).await;
    assert!(matches!(source.next_event().await, Some(Ok(EventRef::Disconnected { .. }))));
    assert_eq!((source.ready_state(), source.close_reason()), (ReadyState::Connecting, None));
    assert!(source.next_event().await.is_none());
    assert_eq!((source.ready_state() as u8, source.close_reason()), (2, Some(CloseReason::NoContent)));
}

/// 9.2.6: `retry` needs no event.
#[tokio::test(start_paused = true)]
async fn a_retry_alone_in_its_block_sets_the_reconnection_time() {
    let server = Server::start([Reply::stream("retry: 50\n\n")]).await;
    assert_eq!(
        listen(&mut source(&server)).await,
        ["open 200", "retry 50ms", "lost EndOfStream, attempt 1 in 50ms"]
    );
    let [first, second] = server.received().try_into().unwrap();
    // Tokio's timer rounds up to the next millisecond.
    let waited = (second.at - first.at).as_millis();
    assert!((50..=51).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_503_is_retried_after_its_retry_after_where_configured() {
    let server = Server::start([
        Reply::status(503, "Retry-After: 7\r\n", ""),
        Reply::status(503, "", ""),
        Reply::stream("data: a\n\n"),
    ])
    .await;
    let config = config().with_retry_status(Config::TRANSIENT_STATUS);
    let said = listen(&mut builder(&server, "/").config(config).build().unwrap()).await;
    assert_eq!(
        said,
        [
            "lost Status(503), attempt 1 in 7s",
            "lost Status(503), attempt 2 in 2s",
            "open 200",
            "message \"a\" id ",
            "lost EndOfStream, attempt 1 in 1s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reset_while_reconnecting_doubles_the_wait() {
    let server = Server::start([
        Reply::stream("id: 1\ndata: a\n\n").reset(),
        Reply::raw("").reset(),
        Reply::raw("HTTP/1.1 200 OK\r\nConte").reset(),
        Reply::stream("data: b\n\n"),
    ])
    .await;
    let said = listen(&mut source(&server)).await;
    // A reset may overtake the data that was sent before it.
    let tail: Vec<_> = said.iter().skip_while(|words| !words.contains("attempt 2")).collect();
    assert_eq!(tail[0], "lost Transport, attempt 2 in 2s");
    assert_eq!(tail[1], "lost Transport, attempt 3 in 4s");
    assert_eq!(tail[2], "open 200");
    assert!(tail[3].starts_with("message \"b\" id "), "{said:?}");
    assert_eq!(server.received().len(), 5);
}
