//! Publisher that sends `POST` requests over one HTTP/1.1 connection, several at a time.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::response::Head;
use super::turn::Publish;

/// How many requests are sent before the first response is read. More could fill the buffers of
/// both directions, and block both sides.
const PIPELINED: usize = 64;

/// How many bytes of an error's body the message quotes.
const EXCERPT: usize = 200;

/// Templates that turn events into request bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// Template of one event; `{data}` stands for its data.
    pub(crate) event: String,
    /// Template of a request for a burst; `{events}` stands for its events, joined by commas.
    /// Without it, each event is a request.
    pub(crate) burst: Option<String>,
}

impl Template {
    fn bodies(&self, burst: &[String]) -> Vec<String> {
        let mut events: Vec<String> = burst.iter().map(|data| self.event.replace("{data}", data)).collect();
        match &self.burst {
            Some(burst) => vec![burst.replace("{events}", &events.join(","))],
            None => std::mem::take(&mut events),
        }
    }
}

/// Publisher that sends `POST` requests.
#[derive(Debug)]
pub(crate) struct HttpPublisher {
    addresses: Vec<SocketAddr>,
    /// The request head up to `Content-Length`, which is added last.
    head: Vec<u8>,
    template: Template,
    patience: Duration,
    connection: Option<TcpStream>,
}

impl HttpPublisher {
    /// Creates a publisher that connects to the first address that answers. `head` has neither a
    /// `Content-Length` nor the blank line.
    pub(crate) fn new(
        addresses: Vec<SocketAddr>,
        head: Vec<u8>,
        template: Template,
        patience: Duration,
    ) -> Self {
        Self { addresses, head, template, patience, connection: None }
    }

    fn connect(&self) -> Result<TcpStream, String> {
        let mut failure = "the name has no address".to_owned();
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, self.patience) {
                Ok(stream) => {
                    let set = stream
                        .set_nodelay(true)
                        .and_then(|()| stream.set_read_timeout(Some(self.patience)))
                        .and_then(|()| stream.set_write_timeout(Some(self.patience)));
                    return set.map(|()| stream).map_err(|error| error.to_string());
                }
                Err(error) => failure = format!("{address}: {error}"),
            }
        }
        Err(format!("cannot connect to publish: {failure}"))
    }

    /// Sends requests and reads their responses; returns the number of responses, and whether the
    /// server announced the end of the connection.
    fn exchange(&self, stream: &mut TcpStream, bodies: &[String]) -> Result<(usize, bool), String> {
        let mut requests = Vec::new();
        for body in bodies {
            requests.extend_from_slice(&self.head);
            requests.extend_from_slice(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        }
        stream.write_all(&requests).map_err(|error| explain(&error))?;
        let mut unread = Vec::new();
        for answered in 1..=bodies.len() {
            if response(stream, &mut unread)? {
                return Ok((answered, true));
            }
        }
        Ok((bodies.len(), false))
    }
}

impl Publish for HttpPublisher {
    fn publish(&mut self, burst: &[String]) -> Result<(), String> {
        let bodies = self.template.bodies(burst);
        let mut rest = &bodies[..];
        while !rest.is_empty() {
            let reused = self.connection.take().filter(is_open);
            let mut stream = reused.map_or_else(|| self.connect(), Ok)?;
            let (answered, closes) = self.exchange(&mut stream, &rest[..rest.len().min(PIPELINED)])?;
            // RFC 9112, 9.6: the server does not process requests after the one after which it
            // closes.
            rest = &rest[answered..];
            self.connection = (!closes).then_some(stream);
        }
        Ok(())
    }
}

/// Whether the server has left an idle connection open.
fn is_open(stream: &TcpStream) -> bool {
    let closed = stream
        .set_nonblocking(true)
        .and_then(|()| stream.peek(&mut [0]))
        .map_or_else(|error| error.kind() != io::ErrorKind::WouldBlock, |_| true);
    !closed && stream.set_nonblocking(false).is_ok()
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            "publishing failed: the server did not answer in time".to_owned()
        }
        _ => format!("publishing failed: {error}"),
    }
}

/// Reads one response; `unread` keeps the bytes after it. Returns whether the server closes the
/// connection.
fn response(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<bool, String> {
    let mut more = |unread: &mut Vec<u8>| {
        let mut buffer = [0; 16 << 10];
        let length = stream.read(&mut buffer).map_err(|error| explain(&error))?;
        unread.extend_from_slice(&buffer[..length]);
        Ok::<_, String>(length > 0)
    };
    let mut head = loop {
        match Head::parse(unread).map_err(|error| format!("publishing failed: {error}"))? {
            // 9110, 15.2: interim responses come before the final one.
            Some((head, length)) => {
                unread.drain(..length);
                if head.status >= 200 {
                    break head;
                }
            }
            None if more(unread)? => {}
            None => {
                return Err("publishing failed: the server closed the connection without a response".into());
            }
        }
    };
    let (mut excerpt, mut ended) = (Vec::new(), false);
    while !head.body.is_over() && !ended {
        let mut input = &unread[..];
        while let Some(content) = head.body.next(&mut input).map_err(|error| error.to_string())? {
            excerpt.extend_from_slice(&content[..content.len().min(EXCERPT - excerpt.len())]);
        }
        let read = unread.len() - input.len();
        unread.drain(..read);
        ended = !head.body.is_over() && !more(unread)?;
    }
    if !(200..300).contains(&head.status) {
        let text = String::from_utf8_lossy(&excerpt);
        return Err(format!("publishing failed: status {}: {}", head.status, text.trim()));
    }
    Ok(head.closes || ended)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Test server that answers `requests` requests on each of `connections` connections, and
    /// returns their bodies; its last response announces the end.
    fn hub(connections: usize, requests: usize) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bodies = thread::spawn(move || {
            let mut bodies = Vec::new();
            for mut stream in listener.incoming().take(connections).map(Result::unwrap) {
                let mut text = String::new();
                for number in 1..=requests {
                    let mut buffer = [0; 4096];
                    let (body, rest) = loop {
                        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                            let length: usize = head.rsplit(": ").next().unwrap().parse().unwrap();
                            if rest.len() >= length {
                                break rest.split_at(length);
                            }
                        }
                        let length = stream.read(&mut buffer).unwrap();
                        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
                    };
                    bodies.push(body.to_owned());
                    text = rest.to_owned();
                    let close = if number == requests { "Connection: close\r\n" } else { "" };
                    write!(stream, "HTTP/1.1 200 OK\r\n{close}Content-Length: 2\r\n\r\nok").unwrap();
                }
                // Closing with bytes unread would reset the connection, and its responses with it.
                stream.read_to_end(&mut Vec::new()).unwrap();
            }
            bodies
        });
        (address, bodies)
    }

    fn publisher(address: SocketAddr, burst: Option<&str>) -> HttpPublisher {
        let template = Template { event: "<{data}>".into(), burst: burst.map(str::to_owned) };
        let head = b"POST / HTTP/1.1\r\nHost: x\r\n".to_vec();
        HttpPublisher::new(vec![address], head, template, Duration::from_secs(10))
    }

    #[test]
    fn requests_after_an_announced_end_are_sent_over_the_next_connection() {
        let (address, bodies) = hub(3, 2);
        let data: Vec<String> = (0..6).map(|number| number.to_string()).collect();
        publisher(address, None).publish(&data).unwrap();
        assert_eq!(bodies.join().unwrap(), ["<0>", "<1>", "<2>", "<3>", "<4>", "<5>"]);
    }

    #[test]
    fn a_burst_can_be_one_request() {
        let (address, bodies) = hub(1, 1);
        publisher(address, Some("[{events}]")).publish(&["a".into(), "b".into()]).unwrap();
        assert_eq!(bodies.join().unwrap(), ["[<a>,<b>]"]);
    }
}
