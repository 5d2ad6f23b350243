//! A server that answers from a script and keeps the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// What happens on one connection.
pub(crate) enum Answer {
    /// Writes this and hangs up.
    Close(String),
    /// Writes this, and holds the connection until the client hangs up.
    Hold(String),
    /// Writes the first; after a message on the channel, the second; then hangs up.
    Pause(String, Receiver<()>, String),
    /// Writes the first, then the second again and again until the client hangs up.
    Flood(&'static str, String),
}

/// The head of a stream whose end is the end of the connection.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

pub(crate) fn stream(body: &str) -> Answer {
    Answer::Close(format!("{STREAM}{body}"))
}

pub(crate) fn response(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    Answer::Close(format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    ))
}

/// The server says that it is over.
pub(crate) fn no_content() -> Answer {
    Answer::Close("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".into())
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Receiver<Request>,
}

/// A request.
pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    /// The values of a header, joined.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.headers.iter().filter(|header| header.0 == name).map(|h| &*h.1).collect();
        (!values.is_empty()).then(|| values.join("|"))
    }
}

impl Server {
    /// Answers one connection after the other; when the answers are used up, connections are
    /// refused.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer, IntoIter: Send + 'static>) -> Self {
        let answers = answers.into_iter();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                // A client that hangs up early is the client's affair.
                serve(stream, answer, &sender).ok();
            }
        });
        Self { url, requests }
    }

    /// The next request, which has been made or is about to be.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    /// The requests that were made and not looked at.
    pub(crate) fn further_requests(&self) -> usize {
        self.requests.try_iter().count()
    }
}

/// Answers one request.
pub(crate) fn serve(
    stream: impl Read + Write,
    answer: Answer,
    requests: &Sender<Request>,
) -> std::io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { line: lines.swap_remove(0), headers, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    input.by_ref().take(length).read_to_string(&mut request.body)?;
    requests.send(request).ok();
    match answer {
        Answer::Close(text) => input.get_mut().write_all(text.as_bytes()),
        Answer::Hold(text) => {
            input.get_mut().write_all(text.as_bytes())?;
            input.read_to_end(&mut Vec::new()).map(|_| ())
        }
        Answer::Pause(before, go, after) => {
            input.get_mut().write_all(before.as_bytes())?;
            go.recv().ok();
            input.get_mut().write_all(after.as_bytes())
        }
        Answer::Flood(before, again) => {
            input.get_mut().write_all(before.as_bytes())?;
            loop {
                input.get_mut().write_all(again.as_bytes())?;
            }
        }
    }
}
