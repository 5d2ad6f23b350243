//! A small hub with deliberate faults: subscribers send GET, publishers POST with the data as the
//! body.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the hub does to an event before it writes it.
pub(crate) type Fault = fn(&mut State, String, &mut TcpStream) -> std::io::Result<()>;

/// State of one subscriber.
#[derive(Default)]
pub(crate) struct State {
    /// Events that were published since it came.
    pub(crate) seen: u32,
    pub(crate) kept: Option<String>,
}

/// Writes the event as it is.
pub(crate) fn whole(_: &mut State, event: String, stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(event.as_bytes())
}

/// Serves, and returns the URL. A response begins with `head`.
pub(crate) fn hub(head: &'static str, fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let subscribers: Arc<Mutex<Vec<(TcpStream, State)>>> = Arc::default();
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            let subscribers = Arc::clone(&subscribers);
            thread::spawn(move || {
                let mut requests = Requests { stream: stream.try_clone().unwrap(), text: String::new() };
                while let Some((line, body)) = requests.next() {
                    let mut subscribers = subscribers.lock().unwrap();
                    if line.starts_with("GET") {
                        stream.write_all(head.as_bytes()).unwrap();
                        subscribers.push((stream, State::default()));
                        return;
                    }
                    for (stream, state) in subscribers.iter_mut() {
                        // A subscriber that is gone gets nothing more.
                        let _ = fault(state, format!("data: {body}\n\n"), stream);
                        state.seen += 1;
                    }
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    url
}

/// Requests of one connection, which may be pipelined.
struct Requests {
    stream: TcpStream,
    text: String,
}

impl Requests {
    /// The request line and the body; `None` at the end.
    fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((head, rest)) = self.text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                let length = length.map_or(0, |length| length.parse().unwrap());
                if rest.len() >= length {
                    let (body, rest) = rest.split_at(length);
                    let request = (head.lines().next().unwrap().to_owned(), body.to_owned());
                    self.text = rest.to_owned();
                    return Some(request);
                }
            }
            let mut buffer = [0; 16 << 10];
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.text.push_str(std::str::from_utf8(&buffer[..length]).unwrap()),
            }
        }
    }
}
