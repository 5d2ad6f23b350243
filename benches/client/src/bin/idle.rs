//! Memory of clients with an idle, open connection: `cargo run --release -p bench-client --bin idle
//! [-- CLIENTS]`.
//!
//! Each kind of client runs in its own process. The growth of that process's resident memory is
//! divided by the number of clients. The server is another process, and socket buffers belong to
//! the kernel.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use http_body_util::BodyExt;
use sse_proto::{Frame, Instant, Output, ResponseHead};
use sse_tokio::{EventRef, EventSource};

const KINDS: [&str; 4] =
    ["machine, no socket", "raw body", "EventSource, a shared Client", "EventSource::get, each a Client"];
const EVENT: &str = "id: 1\ndata: {\"delta\":\"Hello\"}\n\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve(),
        [kind, url, clients] => hold(kind, url, clients.parse().expect("a number")),
        [] => table("500"),
        [clients] => table(clients),
        _ => panic!("usage: idle [CLIENTS]"),
    }
}

fn table(clients: &str) {
    let exe = std::env::current_exe().expect("this program");
    let mut server =
        Command::new(&exe).arg("serve").stdout(Stdio::piped()).spawn().expect("this program runs");
    let mut url = String::new();
    let stdout = server.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut url).expect("the server says where it is");
    println!("resident bytes of a client that is open, has had an event and waits, the mean of {clients}");
    for kind in KINDS {
        let status = Command::new(&exe).args([kind, url.trim(), clients]).status();
        assert!(status.expect("this program runs").success(), "{kind}");
    }
    let _ = server.kill();
    let _ = server.wait();
}

/// Answers every connection with one event, and leaves it open until the client closes it.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    println!("http://{}/", listener.local_addr().expect("it is bound"));
    let mut sockets = Vec::new();
    for socket in listener.incoming() {
        let mut socket = socket.expect("a connection");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|length| length == 1) {
            request.push(byte[0]);
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        let _ = socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(EVENT.as_bytes()));
        sockets.push(socket);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn hold(kind: &str, url: &str, clients: usize) {
    let client = reqwest::Client::new();
    // What is there once, for however many.
    let mut held = Held::default();
    held.open(kind, url, &client).await;
    let before = resident();
    for _ in 0..clients {
        held.open(kind, url, &client).await;
    }
    println!("{kind:>34} {:>8}", (resident() - before) / clients);
}

#[derive(Default)]
struct Held {
    machines: Vec<sse_proto::EventSource>,
    bodies: Vec<reqwest::Body>,
    sources: Vec<EventSource>,
}

impl Held {
    async fn open(&mut self, kind: &str, url: &str, client: &reqwest::Client) {
        match KINDS.iter().position(|&name| name == kind).expect("a kind of client") {
            0 => self.machines.push(machine()),
            1 => {
                let mut body = reqwest::Body::from(client.get(url).send().await.expect("a response"));
                body.frame().await.expect("it is open").expect("the event");
                self.bodies.push(body);
            }
            2 => self.sources.push(open(EventSource::new(client.get(url)).expect("a request")).await),
            _ => self.sources.push(open(EventSource::get(url).expect("a request")).await),
        }
    }
}

fn machine() -> sse_proto::EventSource {
    let mut source = sse_proto::EventSource::new(sse_proto::Config::default(), 1);
    let mut input = &[][..];
    let mut events = 0;
    loop {
        match source.poll(Instant::ZERO, &mut input) {
            Output::Connect { .. } => {
                source.handle_response(ResponseHead::new(200, [("content-type", "text/event-stream")]))
            }
            Output::Open => input = EVENT.as_bytes(),
            Output::Frame(Frame::Event(_)) => events += 1,
            Output::NeedData { .. } => break,
            output => panic!("{output:?}"),
        }
    }
    assert_eq!(events, 1);
    source
}

async fn open(mut source: EventSource) -> EventSource {
    loop {
        if let EventRef::Message(_) = source.next_event().await.expect("it is open").expect("no error") {
            break;
        }
    }
    // Once more, to wait as it will.
    tokio::select! {
        biased;
        _ = source.next_event() => panic!("there is one event"),
        () = tokio::task::yield_now() => {}
    }
    source
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}
