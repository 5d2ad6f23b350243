//! Hostile clients against `sse serve` as a process: it continues to serve other clients, and its
//! memory stays small.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

mod frames;
mod http2;
#[path = "../server/mod.rs"]
mod server;

use server::Server;

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    fn send(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect();
        // The server may have hung up before the end.
        stream.write_all(bytes.as_ref()).ok();
        stream
    }

    fn subscribe(&self) -> TcpStream {
        let mut stream = self.send("GET /events/t HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        stream
    }

    /// The status of the answer; 0 if there is none, or one of HTTP/2.
    fn status(&self, request: impl AsRef<[u8]>) -> u16 {
        let mut head = [0; 12];
        let mut stream = self.send(request);
        stream.read_exact(&mut head).map_or(0, |()| String::from_utf8_lossy(&head[9..]).parse().unwrap_or(0))
    }

    fn is_well(&self) {
        assert_eq!(self.status("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    }

    fn publish(&self, data: &str) {
        let length = data.len();
        let head = format!("POST /events/t HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(self.status(head + data), 200);
    }

    /// Publishes `count` events of a megabyte, each after `reader` got the one before.
    fn publish_megabytes(&self, count: usize, reader: &mut impl BufRead) {
        let data = "x".repeat(1_000_000);
        for number in 0..count {
            self.publish(&format!("{number}{data}"));
            let mut line = String::new();
            while !line.starts_with(&format!("data: {number}x")) {
                line.clear();
                assert_ne!(reader.read_line(&mut line).unwrap(), 0);
            }
        }
    }

    /// A row of the metrics.
    fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        let mut stream = self.send("GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.read_to_string(&mut text).unwrap();
        let row = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        row.trim().parse().unwrap()
    }

    /// Waits until the metric is that: how long the kernel takes to tell the server is not ours to
    /// say.
    fn becomes(&self, name: &str, wanted: u64) {
        let began = Instant::now();
        while self.metric(name) != wanted {
            assert!(began.elapsed() < Duration::from_secs(30), "{name} is {} for ever", self.metric(name));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The most memory that the process held so far, in MiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
    }
}

#[test]
fn a_subscriber_that_does_not_read_holds_no_memory_and_delays_no_other() {
    let server = Server::start(&[]);
    let stalled: Vec<_> = (0..50).map(|_| server.subscribe()).collect();
    let mut reader = BufReader::new(server.subscribe());
    let before = server.peak();
    server.publish_megabytes(100, &mut reader);
    // 5 GB were pending for subscribers that do not read.
    let grown = server.peak() - before;
    assert!(grown < 100, "{grown} MiB more");
    assert_eq!(server.metric("sse_subscribers "), 51);
    drop((stalled, reader));
    server.becomes("sse_subscribers ", 0);
}

#[test]
fn a_flood_of_connections_without_requests_leaves_room_for_others() {
    let server = Server::start(&["--max-subscribers", "100"]);
    let before = server.peak();
    let silent: Vec<_> = (0..150).map(|_| server.connect()).collect();
    let halves: Vec<_> = (0..150).map(|_| server.send("GET /events/t HTTP/1.1\r\nHost: local")).collect();
    server.is_well();
    for _ in 0..1000 {
        drop(server.connect());
        drop(server.send("GET /events/t HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    server.is_well();
    server.becomes("sse_subscribers ", 0);
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
    drop((silent, halves));
}

#[test]
fn the_server_recovers_from_a_flood_of_connections_beyond_the_limit() {
    let server = Server::start(&["--max-subscribers", "10"]);
    // All 266 connections that there may be, and more that wait in the backlog.
    let silent: Vec<_> = (0..300).map(|_| server.connect()).collect();
    server.is_well();
    drop(silent);
}

#[test]
fn a_client_that_closes_its_half_is_served_or_disconnected_and_leaks_nothing() {
    let server = Server::start(&[]);
    let halves: Vec<_> = (0..50)
        .map(|_| {
            let stream = server.subscribe();
            stream.shutdown(Shutdown::Write).unwrap();
            stream
        })
        .collect();
    server.publish("x");
    server.is_well();
    drop(halves);
    server.becomes("sse_subscribers ", 0);
}

#[test]
fn giant_requests_are_refused() {
    let server = Server::start(&[]);
    let before = server.peak();
    let big = "x".repeat(4 << 20);
    let refused = |status: u16| status == 0 || (400..500).contains(&status);
    let post = "POST /events/t HTTP/1.1\r\nHost: localhost\r\n";
    for request in [
        format!("GET /events/{big} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("GET /events/t HTTP/1.1\r\nHost: localhost\r\nX: {big}\r\n\r\n"),
        format!("GET /events/t HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(10_000)),
        format!("GET /events/t HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {big}\r\n\r\n"),
        format!("GET /events/t?lastEventId={big} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        format!("{post}Content-Length: 1000000000000\r\n\r\n{big}"),
        format!("{post}Content-Length: 99999999999999999999999\r\n\r\n{big}"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n400000\r\n{big}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{big}"),
        format!("{post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /"),
        big.clone(),
        "\0".repeat(100_000),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned() + &"\u{1}".repeat(100_000),
    ] {
        let status = server.status(&request);
        let shown = &request[..request.len().min(100)];
        // Some are no more than an odd way to say something: what counts is that the server is
        // there after them.
        assert!(refused(status) || status == 200 && request.starts_with(post), "{status} for {shown:?}");
        server.is_well();
    }
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
}

#[test]
fn a_last_event_id_of_any_kind_is_a_gap_at_worst() {
    let server = Server::start(&[]);
    server.publish("kept");
    let long = "9".repeat(40_000);
    for id in ["\u{1b}[2J", "é…", "\x7f", "-", "-1", "0123456789abcdef-18446744073709551616", &long, "%00%0a"]
    {
        let request = format!("GET /events/t HTTP/1.0\r\nHost: localhost\r\nLast-Event-ID: {id}\r\n\r\n");
        let mut stream = server.send(request);
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        if &head[9..] != b"200" {
            // No header has control characters.
            assert_eq!(&head[9..], b"400", "{id:?}");
            assert!(id.contains(char::is_control), "{id:?}");
            continue;
        }
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let gap = lines.find(|line| line.starts_with("data: ")).unwrap();
        assert_eq!(gap, r#"data: {"missed":null}"#, "{id:?}");
        assert_eq!(lines.find(|line| line.starts_with("data: ")).unwrap(), "data: kept");
    }
    server.is_well();
}

#[test]
fn sse_serve_works_and_fails_with_standard_output_and_error_closed() {
    let full = || std::fs::File::create("/dev/full").unwrap();
    // Nobody tells which port it takes: one that was free just now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let sse = |address: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
        command.args(["serve", "--listen", address]).stdout(full()).stderr(full());
        command
    };
    let mut server = Server { child: sse(&address).spawn().unwrap(), address };
    while TcpStream::connect(&server.address).is_err() {
        assert_eq!(server.child.try_wait().unwrap(), None, "it ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    server.is_well();
    assert_eq!(sse(&server.address).status().unwrap().code(), Some(1), "the address is taken");
    assert_eq!(sse("0.0.0.0:0").status().unwrap().code(), Some(2), "the network could publish");
}
