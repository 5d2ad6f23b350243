//! A custom transport, blocking: the client over a Unix-domain socket.
//! `cargo run -p sse-proto --example unix_socket`
//!
//! No runtime and no HTTP library: the machine says what to do, one thing at a time, and a `match`
//! does it.
#![allow(clippy::print_stdout)]

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::io::Result<()> {
    use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::time::Duration;
    use std::{env, fs, process, thread};

    use sse_proto::{Config, Epoch, EventSource, Frame, Output, ResponseHead};

    let path = env::temp_dir().join(format!("sse-{}.sock", process::id()));
    let listener = UnixListener::bind(&path)?;
    let server = thread::spawn(move || -> std::io::Result<()> {
        for response in
            ["200 OK\r\n\r\nretry: 100\nid: 1\ndata: Hel", "200 OK\r\n\r\ndata: Hello\n\n", "204 \r\n\r\n"]
        {
            let mut socket = BufReader::new(listener.accept()?.0);
            while socket.by_ref().lines().next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {
            }
            write!(socket.get_mut(), "HTTP/1.0 {response}")?;
        }
        Ok(())
    });

    let clock = Epoch::default();
    let mut source = EventSource::new(Config::default(), u64::from(process::id()));
    let mut connection = None;
    let (mut buffer, mut read, mut filled) = ([0; 4096], 0, 0);
    loop {
        let mut input = &buffer[read..filled];
        let output = source.poll(clock.now(), &mut input);
        read = filled - input.len();
        match output {
            Output::Connect { request, .. } => {
                let id =
                    request.last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
                let mut socket = UnixStream::connect(&path)?;
                write!(socket, "GET / HTTP/1.0\r\nAccept: text/event-stream\r\n{id}\r\n")?;
                let mut socket = BufReader::new(socket);
                let mut lines = socket.by_ref().lines();
                let first = lines.next().ok_or(ErrorKind::UnexpectedEof)??;
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let status: u16 = first[9..12].parse().map_err(|_| ErrorKind::InvalidData)?;
                let head = ResponseHead::new(status, [("content-type", "text/event-stream")]);
                source.handle_response(head);
                connection = Some(socket);
            }
            Output::NeedData { deadline } => {
                let Some(socket) = &mut connection else { continue };
                let timeout = deadline
                    .map(|at| at.saturating_duration_since(clock.now()).max(Duration::from_millis(1)));
                socket.get_ref().set_read_timeout(timeout)?;
                (read, filled) = (0, 0);
                match socket.read(&mut buffer) {
                    Ok(0) => source.handle_eof(),
                    Ok(length) => filled = length,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {} // the machine looks at the clock
                    Err(_) => source.handle_error(sse_proto::ErrorKind::Retryable),
                }
            }
            Output::Wait(until) => {
                connection = None;
                thread::sleep(until.unwrap_or_default().saturating_duration_since(clock.now()));
            }
            Output::Frame(Frame::Event(event)) => println!("{}: {}", event.event, event.data),
            Output::Disconnected { cause, delay, .. } => println!("* {cause}, again in {delay:?}"),
            Output::Open | Output::Frame(_) => {}
            Output::Closed(reason) => break println!("* {reason}"),
        }
    }
    fs::remove_file(path)?;
    server.join().expect("the server does not panic")
}
