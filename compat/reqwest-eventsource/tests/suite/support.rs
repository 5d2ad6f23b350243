//! A scripted HTTP server on loopback, and a client that uses no proxy.
//!
//! Not `sse-test`'s server, because this suite is part of the published package, which shows that
//! it replaces the original; `sse-test` is not published.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Answers one connection after the other as a script says, and then none.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: UnboundedReceiver<Seen>,
}

/// The requests of a server.
#[derive(Debug)]
pub(crate) enum Seen {
    Request(Request),
    /// The client closed the connection of an [`Answer::Held`].
    Hangup,
}

/// The answer to a connection.
pub(crate) enum Answer {
    /// Sends these bytes and closes the connection.
    Closed(Vec<u8>),
    /// Sends these bytes; the connection then stays open until the client closes it.
    Held(Vec<u8>),
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Request {
    head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let script: Vec<Answer> = script.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let (sender, seen) = unbounded_channel();
        if script.is_empty() {
            // Here and not in the thread: it would still accept connections.
            drop(listener);
            return Self { url, seen };
        }
        thread::spawn(move || {
            for answer in script {
                serve(listener.accept().unwrap().0, answer, &sender);
            }
        });
        Self { url, seen }
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        self.seen.recv().await.expect("the script has come to its end")
    }

    pub(crate) async fn request(&mut self) -> Request {
        match self.seen().await {
            Seen::Request(request) => request,
            Seen::Hangup => panic!("the client hung up"),
        }
    }

    /// The `Last-Event-ID` headers of the requests that have come so far, `-` for a request that
    /// has none.
    pub(crate) fn last_event_ids(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        while let Ok(seen) = self.seen.try_recv() {
            if let Seen::Request(request) = seen {
                let values = request.header("last-event-id");
                ids.push(if values.is_empty() { "-".into() } else { values.join(" and ") });
            }
        }
        ids
    }
}

impl Request {
    pub(crate) fn line(&self) -> String {
        String::from_utf8_lossy(self.head.split(|&byte| byte == b'\r').next().unwrap()).into_owned()
    }

    /// The values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let lines = std::str::from_utf8(&self.head).unwrap().lines();
        let fields = lines.filter_map(|line| line.split_once(':'));
        fields
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().into())
            .collect()
    }
}

impl Answer {
    /// A 200 with this stream for its body.
    pub(crate) fn stream(body: &str) -> Self {
        Self::Closed(head("200 OK", "Content-Type: text/event-stream\r\n", body))
    }

    pub(crate) fn held(body: &str) -> Self {
        Self::Held(head("200 OK", "Content-Type: text/event-stream\r\n", body))
    }

    pub(crate) fn status(status: &str, headers: &str, body: &str) -> Self {
        Self::Closed(head(status, headers, body))
    }
}

fn head(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}

fn serve(mut socket: TcpStream, answer: Answer, seen: &UnboundedSender<Seen>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let mut request = Request { head, body: Vec::new() };
    let length = request.header("content-length").first().map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    socket.read_exact(&mut request.body).unwrap();
    let _ = seen.send(Seen::Request(request));
    match answer {
        Answer::Closed(bytes) => socket.write_all(&bytes).unwrap(),
        Answer::Held(bytes) => {
            socket.write_all(&bytes).unwrap();
            let _ = socket.read(&mut [0]);
            let _ = seen.send(Seen::Hangup);
        }
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
