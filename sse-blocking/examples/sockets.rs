//! A client on `std::net` alone:
//! `cargo run -p sse-blocking --example sockets -- 127.0.0.1:8080 /events`
//!
//! Everything that knows what HTTP and a socket are is in `connect`; everything that knows what an
//! event stream is, is not here. For HTTP in earnest see the feature `ureq`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

use sse_blocking::{Attempt, Body, ClientEvent, Config, Driver, PlainHead};

/// The body after the head; the reader may already have read a part of it.
struct Rest(BufReader<TcpStream>);

impl Body for Rest {
    fn read(&mut self, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        let timeout = timeout.map(|timeout| timeout.max(Duration::from_millis(1)));
        self.0.get_ref().set_read_timeout(timeout)?;
        Read::read(&mut self.0, buffer)
    }
}

/// HTTP/1.0, so that the body is neither chunked nor followed by anything.
fn connect(host: &str, path: &str, attempt: Attempt<'_>) -> io::Result<(PlainHead, Rest)> {
    let address = host.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut socket = TcpStream::connect_timeout(&address, attempt.timeout.unwrap_or(Duration::MAX))?;
    socket.set_read_timeout(attempt.timeout)?;
    let interrupt = socket.try_clone()?;
    attempt.on_close(move || drop(interrupt.shutdown(Shutdown::Both)));

    let id = attempt.request.last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: text/event-stream\r\n{id}\r\n")?;

    let mut reader = BufReader::new(socket);
    let mut lines = reader.by_ref().take(64 << 10).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut head = PlainHead { status: status.ok_or(io::ErrorKind::InvalidData)?, ..PlainHead::default() };
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        let value = Some(value.trim().to_owned());
        match &*name.to_ascii_lowercase() {
            "content-type" => head.content_type = value,
            "retry-after" => head.retry_after = value,
            "date" => head.date = value,
            _ => {}
        }
    }
    Ok((head, Rest(reader)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().ok_or("usage: sockets HOST:PORT [PATH]")?;
    let path = arguments.next().unwrap_or_else(|| "/".into());
    let config = Config::default().with_idle_timeout(Duration::from_secs(60));
    for event in Driver::new(config, |attempt: Attempt<'_>| connect(&host, &path, attempt)) {
        match event? {
            ClientEvent::Open(head) => println!("* open, status {}", head.status),
            ClientEvent::Message(message) => println!("{}: {}", message.event(), message.data()),
            ClientEvent::Disconnected { cause, delay, .. } => println!("* {cause}, again in {delay:?}"),
            _ => {}
        }
    }
    Ok(())
}
