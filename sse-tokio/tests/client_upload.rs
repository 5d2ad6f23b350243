//! Large bodies of requests, and servers that answer before they have read them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use reqwest::Method;
use sse_test::{Reply, Server};
use sse_tokio::EventSource;
use support::{config, listen, next};

fn source(server: &Server, body: Vec<u8>) -> EventSource {
    let builder = EventSource::builder(server.url("/events")).method(Method::POST).config(config());
    builder.body(body).build().unwrap()
}

/// Keeps the paused clock from advancing by itself, as it does while every task waits.
fn stop_the_clock() -> impl Drop {
    struct Stopped(tokio::task::JoinHandle<()>);

    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    Stopped(tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    }))
}

/// RFC 9112, 9.6: such a close resets the connection if the client still writes.
#[tokio::test(start_paused = true)]
async fn an_answer_of_a_server_that_reads_only_the_head_and_closes_is_read() {
    let server = Server::play(vec![Reply::response(413, "", "too large").early(); 8]);
    let _stopped = stop_the_clock();
    for _ in 0..8 {
        let answer = next(&mut source(&server, vec![b'x'; 8 << 20])).await;
        assert_eq!(answer, "error: the server answered with status 413 instead of 200: too large");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_body_arrives_whole() {
    let body: Vec<u8> = (0..1 << 20).map(|at: u32| (at / 7) as u8).collect();
    let server = Server::play([Reply::redirect(307, "/other"), Reply::no_content()]);
    listen(&mut source(&server, body.clone())).await;
    for (request, path) in server.requests().iter().zip(["/events", "/other"]) {
        assert_eq!(request.line(), format!("POST {path} HTTP/1.1"));
        assert_eq!(request.text("content-length"), Some("1048576"));
        assert!(request.body == body, "{path}");
    }
}
