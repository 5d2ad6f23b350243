//! Hostile clients over HTTP/2, where one connection has many requests, and more kinds of frames to
//! abuse.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, bomb, fields, frame,
};
use super::server::Server;

const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

fn head(method: &str, path: &str) -> Vec<u8> {
    fields(&[(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")])
}

fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", path))
}

/// The streams of a client.
fn streams() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(server: &Server, settings: &[u8]) -> Self {
        let mut stream = server.connect();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, settings)).unwrap();
        Self(BufReader::new(stream))
    }

    /// False if the server has hung up.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.get_mut().write_all(bytes).is_ok()
    }

    /// Type and stream of the next frame; `None` if the server has hung up.
    fn read(&mut self) -> Option<(u8, u32)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let [a, b, c, kind, _flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        std::io::copy(&mut self.0.by_ref().take(length.into()), &mut std::io::sink()).ok()?;
        Some((kind, u32::from_be_bytes(stream)))
    }

    /// Reads up to the head of the response on `stream`; false if the server has hung up, or
    /// refused.
    fn is_answered(&mut self, stream: u32) -> bool {
        loop {
            match self.read() {
                Some((HEADERS, answered)) if answered == stream => return true,
                Some((RST_STREAM, answered)) if answered == stream => return false,
                Some((GOAWAY, _)) | None => return false,
                Some(_) => {}
            }
        }
    }
}

#[test]
fn subscribers_without_a_window_hold_no_memory_and_delay_no_other() {
    let server = Server::start(&[]);
    let no_window = [&INITIAL_WINDOW_SIZE[..], &[0; 4]].concat();
    let mut stalled: Vec<_> = (0..4).map(|_| Client::new(&server, &no_window)).collect();
    for client in &mut stalled {
        for stream in streams().take(100) {
            assert!(client.send(&get(stream, "/events/t")));
            assert!(client.is_answered(stream));
        }
    }
    let mut reader = BufReader::new(server.subscribe());
    assert_eq!(server.metric("sse_subscribers "), 401);
    let before = server.peak();
    server.publish_megabytes(50, &mut reader);
    // 20 GB were pending for subscribers that do not read.
    assert!(server.peak() - before < 100, "{} MiB more", server.peak() - before);
    drop((stalled, reader));
    server.becomes("sse_subscribers ", 0);
}

#[test]
fn connections_idle_after_one_request_make_room_and_used_ones_stay() {
    let server = Server::start(&["--max-subscribers", "10"]);
    let mut follower = Client::new(&server, &[]);
    assert!(follower.send(&get(1, "/events/t")) && follower.is_answered(1));
    // More than the 266 connections that there may be. Their answers wait for a window that does
    // not open.
    let no_window = [&INITIAL_WINDOW_SIZE[..], &[0; 4]].concat();
    let idle: Vec<_> = (0..300)
        .map(|_| {
            let mut client = Client::new(&server, &no_window);
            client.send(&get(1, "/healthz"));
            client
        })
        .collect();
    // Within 30 s, after which the server would ask whether they are there, and they do not answer.
    server.is_well();
    server.publish("x");
    // Its place, and the event.
    assert_eq!([follower.read(), follower.read()], [Some((DATA, 1)); 2]);
    drop(idle);
}

#[test]
fn requests_that_are_reset_at_once_end_the_connection() {
    let server = Server::start(&[]);
    let before = server.peak();
    let mut client = Client::new(&server, &[]);
    let cancel = 8u32.to_be_bytes();
    let taken_back = |stream| [get(stream, "/events/t"), frame(RST_STREAM, 0, stream, &cancel)].concat();
    assert!(!streams().take(1_000_000).all(|stream| client.send(&taken_back(stream))), "it never hung up");
    server.is_well();
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
    server.becomes("sse_subscribers ", 0);
}

#[test]
fn heads_without_end_end_the_connection() {
    let server = Server::start(&[]);
    let before = server.peak();
    let field = [&[0, 1, b'x', 100][..], &[b'y'; 100]].concat();
    for continuation in [&field[..], &[]] {
        for first in [&head("GET", "/events/t")[..], &[]] {
            let mut client = Client::new(&server, &[]);
            assert!(client.send(&frame(HEADERS, END_STREAM, 1, first)));
            let more = frame(CONTINUATION, 0, 1, continuation);
            assert!(!(0..1_000_000).all(|_| client.send(&more)), "it never hung up");
        }
    }
    server.is_well();
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
}

#[test]
fn a_head_that_unpacks_to_megabytes_is_refused() {
    let server = Server::start(&[]);
    let before = server.peak();
    let head = [head("GET", "/events/t"), bomb()].concat();
    for _ in 0..10 {
        let mut client = Client::new(&server, &[]);
        for stream in streams().take(10) {
            client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head));
        }
        assert!(!client.is_answered(1));
    }
    server.is_well();
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
    assert_eq!(server.metric("sse_subscribers "), 0);
}

#[test]
fn endless_frames_of_any_kind_do_no_harm() {
    let server = Server::start(&[]);
    let before = server.peak();
    let max_streams = [0, 3, 0, 0, 0, 100];
    for flood in [
        frame(PING, 0, 0, &[7; 8]),
        frame(PING, ACK, 0, &[7; 8]),
        frame(SETTINGS, 0, 0, &max_streams),
        frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()),
        frame(DATA, 0, 1, &[7; 8]),
        frame(0xbe, 0xff, 0, &[7; 8]),
    ] {
        let mut client = Client::new(&server, &[]);
        // Nobody reads the answers to a part of them, so that the server stops to read in turn.
        client.0.get_ref().set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let kilobytes = flood.repeat(1000);
        let _ = (0..1000).all(|_| client.send(&kilobytes));
        server.is_well();
    }
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
}

#[test]
fn bodies_that_wait_for_their_turn_hold_no_memory() {
    let server = Server::start(&[]);
    let before = server.peak();
    let publish = |client: &mut Client, length| {
        streams().take(100).all(|stream| {
            let head = frame(HEADERS, END_HEADERS, stream, &head("POST", "/events/t"));
            client.send(&[head, frame(DATA, 0, stream, &vec![b'x'; length])].concat())
        })
    };
    let mut waiting: Vec<_> = (0..50).map(|_| Client::new(&server, &[])).collect();
    for client in &mut waiting {
        assert!(publish(client, 600));
    }
    for _ in 0..50 {
        let mut greedy = Client::new(&server, &[]);
        publish(&mut greedy, 10_000);
        assert!(!greedy.is_answered(1), "more than the window is an error of the connection");
    }
    server.is_well();
    assert!(server.peak() - before < 50, "{} MiB more", server.peak() - before);
}
