//! The log line of a stream says why it ended, and the metrics count it.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::http::request;
use super::jwt::{KEY, seconds, signed};
use super::operating::{Loud, address, exchange};

/// A server whose log lines are JSON.
struct Logging {
    server: Loud,
    address: String,
}

impl Logging {
    fn start(arguments: &[&str]) -> Self {
        let arguments = [&["--listen", "127.0.0.1:0", "--log-format", "json"], arguments].concat();
        let mut server = Loud::start(&arguments, &[]);
        let address = address(&server.listening()).to_owned();
        Self { server, address }
    }

    /// A stream of which the first bytes have been read.
    fn subscribe(&self, path: &str) -> TcpStream {
        self.try_subscribe(path).expect("the response is 200")
    }

    /// A stream of which the first bytes have been read; `None` if it was refused.
    fn try_subscribe(&self, path: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // The connection ends with the stream, so that a test can read to its end.
        let head = "Host: localhost\r\nConnection: close\r\nCookie: hunter2\r\n";
        let request = format!("GET {path} HTTP/1.1\r\n{head}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        (&head == b"HTTP/1.1 200").then_some(stream)
    }

    /// The log line of the next `GET` that ends.
    fn line(&mut self) -> Value {
        let line = self.server.line("\"method\":\"GET\"");
        assert!(!line.contains("hunter2"), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    /// Asserts that the next stream that ends does so for this reason, and that it is counted.
    fn assert_next_end(&mut self, end: &str) {
        let line = self.line();
        assert_eq!(line["end"], end, "{line}");
        let metrics = request(&self.address, "GET", "/metrics", &[], "").text();
        let series = format!("sse_streams_ended_total{{reason=\"{}\"}} 1\n", end.replace(' ', "_"));
        assert!(metrics.contains(&series), "no {series} in {metrics}");
    }
}

#[test]
fn a_client_that_leaves_is_told_from_a_topic_that_ends() {
    let mut server = Logging::start(&[]);
    drop(server.subscribe("/events/a%20b?lastEventId=hunter2"));
    let left = server.line();
    let seen = (&left["topic"], &left["end"], &left["status"], &left["path"]);
    assert_eq!(seen, (&json!("a b"), &json!("client left"), &json!(200), &json!("/events/a%20b")));
    assert!(left["duration_ms"].is_u64() && left["bytes"].is_u64(), "{left}");

    let _ended = server.subscribe("/events/over");
    let delete = "DELETE /events/over HTTP/1.0\r\nHost: localhost\r\n\r\n";
    exchange(TcpStream::connect(&server.address).unwrap(), delete);
    server.assert_next_end("topic ended");
}

#[test]
fn a_stream_ends_with_its_token() {
    let mut server = Logging::start(&["--jwt-key", KEY, "--anyone-may-publish"]);
    for (query, topic) in [("/a?", "a"), ("?topic=a&topic=b&", "a,b")] {
        // On a busy machine a short token may have expired before it is used.
        let _stream = [2, 5, 20, 60].into_iter().find_map(|lasting| {
            let token = signed(KEY, &json!({"exp": seconds(lasting), "sse": {"subscribe": ["*"]}}));
            server.try_subscribe(&format!("/events{query}access_token={token}"))
        });
        let line = std::iter::repeat_with(|| server.line()).find(|line| line["status"] == 200).unwrap();
        assert_eq!((&line["topic"], &line["end"]), (&json!(topic), &json!("token expired")));
    }
}

#[test]
fn a_stream_ends_at_the_maximum_age() {
    let mut server = Logging::start(&["--max-age", "1"]);
    let _stream = server.subscribe("/events/t");
    server.assert_next_end("max age");
}

#[test]
fn a_client_that_reads_too_slowly_is_disconnected() {
    let mut server =
        Logging::start(&["--slow", "disconnect", "--history-events", "1", "--max-body", "2000000"]);
    let mut slow = server.subscribe("/events/t");
    // More than the buffers of both sockets take.
    let data = "x".repeat(1_000_000);
    for _ in 0..30 {
        assert_eq!(request(&server.address, "POST", "/events/t", &[], &data).status, 200);
    }
    std::io::copy(&mut slow, &mut std::io::sink()).unwrap();
    server.assert_next_end("too slow");
}

#[test]
fn a_stream_that_outlasts_the_grace_is_ended_by_the_server_too() {
    let mut server =
        Logging::start(&["--grace", "1", "--max-body", "60000000", "--history-bytes", "60000000"]);
    let _reads = server.subscribe("/events?topic=a&topic=b");
    let _does_not_read = server.subscribe("/events/t");
    let data = "x".repeat(50_000_000);
    assert_eq!(request(&server.address, "POST", "/events/t", &[], &data).status, 200);
    server.server.signal("-TERM");
    for topic in ["a,b", "t"] {
        let line = server.line();
        assert_eq!((&line["topic"], &line["end"]), (&json!(topic), &json!("server stopped")), "{line}");
    }
}
