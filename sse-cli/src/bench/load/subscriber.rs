//! One subscriber: connects, sends its request, and reads events.

use std::io::{self, ErrorKind, Read as _, Write as _};

use mio::net::TcpStream;
use proto::{Frame, Parser};

use super::ledger::Ledger;
use super::marker::{Marker, Markers};
use super::response::{Body, Head};

/// One connection of a subscriber to the hub.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) stream: TcpStream,
    pub(super) ledger: Ledger,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Sending the request, of which this many bytes are written.
    Request(usize),
    /// Reading the head, of which these bytes have arrived.
    Head(Vec<u8>),
    Events(Box<Events>),
    /// The connection has ended.
    Cut,
}

/// State of a response body that is being read.
#[derive(Debug)]
struct Events {
    body: Body,
    parser: Parser,
    /// Whether the position is between two events and between two chunks, so that the following
    /// bytes mean the same whatever came before.
    is_boundary: bool,
}

/// Result of one read of a subscriber.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server has not answered yet.
    Waiting,
    /// The response is an event stream.
    Opened,
    /// Bytes of the open stream.
    Events,
    /// The connection has ended, or the response is not an event stream.
    Failed(Fault),
}

/// Why a subscriber can receive nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server answered with something other than an event stream.
    Refused(String),
    Cut(String),
}

/// Consecutive events that arrived at once and were published at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) first: Marker,
    /// One past the last event number.
    pub(super) end: u32,
}

/// Result of one read, with a cache: a hub writes the same bytes to every subscriber, so equal
/// bytes at equal positions are parsed only once.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) arrivals: Vec<Arrival>,
    /// Number of events without a marker of this run.
    pub(super) others: u64,
    /// The bytes from which `arrivals` and `others` were parsed; empty if they must not be reused.
    bytes: Vec<u8>,
    body: Option<Body>,
}

impl Subscriber {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, ledger: Ledger::default(), state: State::Request(0) }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Events(_))
    }

    /// Drops the connection.
    pub(super) fn cut(&mut self) {
        self.state = State::Cut;
    }

    /// Writes as much of the request as the socket accepts; returns whether all of it is sent.
    ///
    /// # Errors
    ///
    /// If the connection could not be made, or broke.
    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<bool> {
        let State::Request(written) = &mut self.state else { return Ok(true) };
        while *written < request.len() {
            match self.stream.write(&request[*written..]) {
                Ok(length) => *written += length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.state = State::Head(Vec::new());
        Ok(true)
    }

    /// Reads once; `None` if no bytes were available.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        markers: &Markers,
        reading: &mut Reading,
    ) -> Option<(Outcome, usize)> {
        if matches!(self.state, State::Request(_) | State::Cut) {
            return None;
        }
        let outcome = match self.stream.read(buffer) {
            Ok(0) => Outcome::Failed(Fault::Cut("the server closed the connection".into())),
            Ok(length) => return Some((self.take(&buffer[..length], markers, reading), length)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return None;
            }
            Err(error) => Outcome::Failed(Fault::Cut(error.to_string())),
        };
        Some((outcome, 0))
    }

    fn take(&mut self, bytes: &[u8], markers: &Markers, reading: &mut Reading) -> Outcome {
        let failed = |message: String| Outcome::Failed(Fault::Cut(message));
        if let State::Head(arrived) = &mut self.state {
            arrived.extend_from_slice(bytes);
            let (head, rest) = match Head::parse(arrived) {
                Ok(Some((head, length))) => (head, arrived.split_off(length)),
                Ok(None) => return Outcome::Waiting,
                Err(error) => return Outcome::Failed(Fault::Refused(error.to_string())),
            };
            if head.status != 200 || !head.is_event_stream {
                let content_type = &head.content_type;
                return Outcome::Failed(Fault::Refused(format!(
                    "status {}, content type `{content_type}`",
                    head.status
                )));
            }
            let mut events = Box::new(Events { body: head.body, parser: Parser::new(), is_boundary: false });
            let result = events.take(&rest, markers, reading);
            self.state = State::Events(events);
            return result.map_or_else(failed, |()| Outcome::Opened);
        }
        let State::Events(events) = &mut self.state else { return Outcome::Waiting };
        events.take(bytes, markers, reading).map_or_else(failed, |()| Outcome::Events)
    }
}

impl Events {
    fn take(&mut self, bytes: &[u8], markers: &Markers, reading: &mut Reading) -> Result<(), String> {
        let before = self.is_boundary.then_some(self.body);
        if before.is_some() && reading.body == before && reading.bytes == bytes {
            return Ok(());
        }
        reading.clear();
        let (mut input, mut ends_event) = (bytes, self.is_boundary);
        while let Some(mut content) = self.body.next(&mut input).map_err(|error| error.to_string())? {
            ends_event = content.ends_with(b"\n\n");
            loop {
                match self.parser.next_frame(&mut content) {
                    Ok(Some(Frame::Event(event))) => reading.event(markers.find(event.data)),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        self.is_boundary = ends_event && self.body.is_between_chunks();
        if self.is_boundary && before.is_some() {
            reading.bytes.extend_from_slice(bytes);
            reading.body = before;
        }
        if self.body.is_over() {
            return Err("the server ended the response".to_owned());
        }
        Ok(())
    }
}

impl Reading {
    /// Empties the cache and the results.
    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
        self.others = 0;
        self.bytes.clear();
        self.body = None;
    }

    fn event(&mut self, marker: Option<Marker>) {
        let Some(marker) = marker else {
            self.others += 1;
            return;
        };
        let end = marker.number.saturating_add(1);
        match self.arrivals.last_mut() {
            Some(last) if last.end == marker.number && last.first.time == marker.time => last.end = end,
            _ => self.arrivals.push(Arrival { first: marker, end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::response::Chunk;
    use super::*;

    fn events(body: Body) -> Events {
        Events { body, parser: Parser::new(), is_boundary: false }
    }

    fn numbers(reading: &Reading) -> Vec<(u32, u32)> {
        reading.arrivals.iter().map(|arrival| (arrival.first.number, arrival.end)).collect()
    }

    #[test]
    fn equal_bytes_bring_equal_events_to_every_subscriber() {
        let (markers, now) = (Markers::new(), Instant::now());
        let data = |number| markers.data(number, now, 0);
        let text = format!("id: 1\ndata: {}\n\ndata: {}\n\n: hi\n\ndata: x\n\n", data(1), data(2));
        let mut reading = Reading::default();
        for _ in 0..3 {
            let mut events = events(Body::Close);
            events.take(b": welcome\n\n", &markers, &mut reading).unwrap();
            assert!(reading.arrivals.is_empty() && events.is_boundary);
            events.take(text.as_bytes(), &markers, &mut reading).unwrap();
            assert_eq!((numbers(&reading), reading.others), (vec![(1, 3)], 1));
        }
    }

    #[test]
    fn equal_bytes_in_the_middle_of_an_event_are_parsed() {
        let (markers, now) = (Markers::new(), Instant::now());
        let text = format!("data: {}\n\n", markers.data(1, now, 0));
        let (mut reading, mut whole, mut cut) =
            (Reading::default(), events(Body::Close), events(Body::Close));
        for events in [&mut whole, &mut cut] {
            events.take(b"\n\n", &markers, &mut reading).unwrap();
        }
        whole.take(text.as_bytes(), &markers, &mut reading).unwrap();
        cut.take(b"data: half\n", &markers, &mut reading).unwrap();
        cut.take(text.as_bytes(), &markers, &mut reading).unwrap();
        assert_eq!(numbers(&reading), [(1, 2)]);
        cut.take(b"id: x\n", &markers, &mut reading).unwrap();
        assert!(reading.arrivals.is_empty());
    }

    #[test]
    fn chunked_events_cut_anywhere_are_all_found() {
        let (markers, now) = (Markers::new(), Instant::now());
        let event = format!("data: {}\n\n", markers.data(1, now, 30));
        let (one, other) = event.split_at(17);
        let text = format!("{:x}\r\n{one}\r\n{:x}\r\n{other}\r\n", one.len(), other.len());
        for cut in 0..text.len() {
            let (mut reading, mut events) = (Reading::default(), events(Body::Chunked(Chunk::Size(None))));
            let (mut found, mut bytes) = (0, text.as_bytes());
            for piece in [&bytes[..cut], &bytes[cut..]] {
                events.take(piece, &markers, &mut reading).unwrap();
                found += reading.arrivals.len();
            }
            bytes = b"0\r\n\r\n";
            assert_eq!((found, events.take(bytes, &markers, &mut reading).is_err()), (1, true), "{cut}");
        }
    }
}
