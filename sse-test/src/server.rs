//! Scripted server on a loopback port: one reply for each connection, in order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::scenario;

/// What the server does on one connection.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes and waits for the client to disconnect.
    Hold(Vec<u8>),
    /// Sends these bytes after a pause, and closes.
    Late(Duration, Vec<u8>),
    /// Sends the first bytes, then repeats the second ones with a pause between, until the client
    /// disconnects.
    Endless(Vec<u8>, Vec<u8>, Duration),
    /// Sends these bytes when the head of the request has arrived, reads nothing of the body, and
    /// waits for the client to disconnect.
    Early(Vec<u8>),
    /// Leaves the request unread and closes, so that the kernel sends a reset.
    Reset,
    /// Writes this and leaves the request unread, so that a reset follows.
    Broken(Vec<u8>),
}

/// A request that the server received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: String,
    /// Time since the end of the previous response; for the first request, since the start.
    pub after: Duration,
}

impl Received {
    /// The request in the form that scenarios check.
    pub fn of_scenario(&self) -> scenario::Received {
        scenario::Received { path: self.path.clone(), headers: self.headers.clone(), after: self.after }
    }

    /// The value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &value[..])
    }

    /// The value of a header as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header(name).map(|value| std::str::from_utf8(value).unwrap())
    }
}

/// A server that plays a script, with one reply for each connection.
#[derive(Debug)]
pub struct Server {
    /// The address on which the server listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts a thread that plays this script.
    pub fn play(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        let script: Vec<_> = script.into_iter().collect();
        let thread = thread::spawn(move || {
            let mut since = Instant::now();
            for reply in script {
                let (socket, _) = listener.accept().unwrap();
                if let Reply::Reset = reply {
                    socket.peek(&mut [0]).unwrap();
                    continue;
                }
                if let Reply::Broken(bytes) = reply {
                    let head = peek_head(&socket);
                    log.lock().unwrap().push(read_request(&mut head.as_slice(), false));
                    (&socket).write_all(&bytes).unwrap();
                    continue;
                }
                let mut reader = BufReader::new(socket);
                let early = matches!(reply, Reply::Early(_));
                let after = since.elapsed();
                log.lock().unwrap().push(Received { after, ..read_request(&mut reader, !early) });
                let mut socket = reader.into_inner();
                // The client may be gone, because it has seen enough.
                match reply {
                    Reply::Bytes(bytes) => drop(socket.write_all(&bytes)),
                    Reply::Hold(bytes) => {
                        let _ = socket.write_all(&bytes);
                        let _ = socket.read(&mut [0]);
                    }
                    Reply::Late(wait, bytes) => {
                        thread::sleep(wait);
                        let _ = socket.write_all(&bytes);
                    }
                    Reply::Endless(bytes, piece, pause) => {
                        let mut alive = socket.write_all(&bytes).is_ok();
                        while alive {
                            thread::sleep(pause);
                            alive = socket.write_all(&piece).is_ok();
                        }
                    }
                    Reply::Early(bytes) => {
                        let _ = socket.write_all(&bytes);
                        // What comes of the body would be lost with a reset.
                        while socket.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
                    }
                    Reply::Reset | Reply::Broken(_) => {}
                }
                since = Instant::now();
            }
        });
        Self { address, received, thread }
    }

    /// The URL of the server with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// All requests, after the script has been played to its end.
    pub fn requests(self) -> Vec<Received> {
        self.thread.join().unwrap();
        self.received.lock().unwrap().clone()
    }
}

/// The head of a request, left unread.
fn peek_head(socket: &TcpStream) -> Vec<u8> {
    let mut head = vec![0; 16 << 10];
    loop {
        let length = socket.peek(&mut head).unwrap();
        if head[..length].windows(4).any(|end| end == b"\r\n\r\n") {
            head.truncate(length);
            return head;
        }
        thread::yield_now();
    }
}

fn read_request(reader: &mut impl BufRead, with_body: bool) -> Received {
    let mut line = Vec::new();
    let mut next = || {
        line.clear();
        reader.read_until(b'\n', &mut line).unwrap();
        line.trim_ascii_end().to_vec()
    };
    let first = String::from_utf8(next()).unwrap();
    let mut words = first.split(' ').map(String::from);
    let mut received =
        Received { method: words.next().unwrap(), path: words.next().unwrap(), ..Received::default() };
    loop {
        let line = next();
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { break };
        let name = String::from_utf8(line[..colon].to_ascii_lowercase()).unwrap();
        received.headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
    let length = received.text("content-length").filter(|_| with_body);
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    received.body = String::from_utf8(body).unwrap();
    received
}

/// A response with this status, headers and body, which ends with its connection.
pub fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} \r\n{headers}Connection: close\r\n\r\n{body}").into()
}

/// An event stream with this body, which ends with its connection.
pub fn stream(body: &str) -> Reply {
    Reply::Bytes(response(200, "Content-Type: text/event-stream\r\n", body))
}

/// A 204 response, which ends a client for good.
pub fn no_content() -> Reply {
    status(204)
}

/// A response with this status and no body.
pub fn status(status: u16) -> Reply {
    Reply::Bytes(response(status, "Content-Length: 0\r\n", ""))
}

/// A redirect with this status to `location`.
pub fn redirect(status: u16, location: &str) -> Reply {
    Reply::Bytes(response(status, &format!("Content-Length: 0\r\nLocation: {location}\r\n"), ""))
}
