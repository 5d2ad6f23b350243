//! Blocking loop that drives the machine of `sse-proto`.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::mem;
use std::time::Duration;

use proto::{
    ClientEvent, ClientEventRef, CloseReason, Closed, Config, Epoch, ErrorKind, Instant, Liveness, Loss,
    Output, Progress, ReadyState,
};

use crate::reader::BUFFER;
use crate::{Attempt, Body, Closer, Transport};

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, over any
/// [`Transport`].
///
/// It is an [`Iterator`] of [`ClientEvent`]s. A lost connection is a `Disconnected`, and the next
/// connection is made after its `delay`; so `?` ends a program only after a final error. An error
/// is the last item. A source ends without an error if it was [closed](Self::close), if the server
/// answered 204 (9.2.3), or if a response ended whose request is not repeated.
///
/// The source reads the socket only during a call.
///
/// # Example
///
/// A transport that writes HTTP itself, with `HTTP/1.0` so that the server sends no chunks. With
/// the feature `ureq`, `EventSource::get(url)` does the same.
///
/// ```
/// use std::io::{self, BufRead, BufReader, Write};
/// use std::net::TcpStream;
///
/// use sse_blocking::{Attempt, ClientEvent, Config, Driver, NoTimeout, PlainHead};
/// # use std::net::TcpListener;
///
/// # let server = TcpListener::bind("127.0.0.1:0")?;
/// # let address = server.local_addr()?;
/// # std::thread::spawn(move || -> io::Result<()> {
/// #     for response in ["200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1\ndata: Hello\n\n", "204\r\n\r\n"] {
/// #         let mut socket = BufReader::new(server.accept()?.0);
/// #         while socket.by_ref().lines().next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
/// #         write!(socket.get_mut(), "HTTP/1.0 {response}")?;
/// #     }
/// #     Ok(())
/// # });
/// # use std::io::Read;
/// let source = Driver::new(Config::default(), |attempt: Attempt<'_>| {
///     let mut socket = TcpStream::connect(address)?;
///     write!(socket, "GET / HTTP/1.0\r\nAccept: text/event-stream\r\n")?;
///     if let Some(id) = attempt.request.last_event_id {
///         write!(socket, "Last-Event-ID: {id}\r\n")?;
///     }
///     write!(socket, "\r\n")?;
///     let mut reader = BufReader::new(socket);
///     let mut line = String::new();
///     reader.read_line(&mut line)?;
///     let status = line.split(' ').nth(1).and_then(|status| status.trim().parse().ok()).unwrap_or(500);
///     let mut head = PlainHead { status, ..PlainHead::default() };
///     while mem::take(&mut line) != "\r\n" && reader.read_line(&mut line)? > 0 {
///         if let Some(("Content-Type", value)) = line.split_once(": ") {
///             head.content_type = Some(value.into());
///         }
///     }
///     Ok((head, NoTimeout(reader)))
/// });
/// # use std::mem;
/// for event in source {
///     if let ClientEvent::Message(message) = event? {
///         assert_eq!(message.data(), "Hello");
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Driver<T: Transport> {
    transport: T,
    source: proto::EventSource,
    clock: Epoch,
    /// The time, read once after each wait. If a liveness clock runs, it is also read when the
    /// application returns for the next event: the time between is not the server's silence.
    now: Option<Instant>,
    liveness: bool,
    connection: Connection<T>,
    buffer: Box<[u8]>,
    /// How many of the buffer's first `filled` bytes were parsed before the last step, and after
    /// it.
    start: usize,
    read: usize,
    filled: usize,
    error: Option<T::Error>,
    closer: Closer,
    done: bool,
}

enum Connection<T: Transport> {
    None,
    /// The response began, and was given to the machine.
    Answered(T::Head, T::Body),
    Open(T::Body),
}

impl<T: Transport> Driver<T> {
    /// Creates a source, which connects at the first call for an event.
    pub fn new(config: Config, transport: T) -> Self {
        let liveness = config.idle_timeout() != Liveness::Off || config.event_timeout().is_some();
        Self {
            transport,
            source: proto::EventSource::new(config, RandomState::new().hash_one(())),
            clock: Epoch::default(),
            now: None,
            liveness,
            connection: Connection::None,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            read: 0,
            filled: 0,
            error: None,
            closer: Closer::default(),
            done: false,
        }
    }

    /// Waits for the next event and lends it, without allocating for it; `None` after the end.
    ///
    /// # Errors
    ///
    /// If the source closed because of a failure. `None` follows.
    #[expect(clippy::type_complexity, reason = "only the names of the transport's types are long")]
    pub fn next_event(
        &mut self,
    ) -> Option<Result<ClientEventRef<'_, T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>>> {
        let progress = self.advance()?;
        match self.event(progress) {
            Err(closed) if !closed.reason.is_failure() => None,
            event => Some(event),
        }
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        self.source.ready_state()
    }

    /// Why the source closed, even if without an error; `None` while it is not closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.source.close_reason()
    }

    /// The last event ID string (9.2.4): the ID of the last block that set one, sent when the
    /// source reconnects.
    pub fn last_event_id(&self) -> &str {
        self.source.last_event_id()
    }

    /// Closes the source for good: nothing more is delivered, not even events that were already
    /// received.
    pub fn close(&mut self) {
        self.source.close();
        self.hang_up();
    }

    /// Drops the connection until [`resume`](Self::resume). A call for an event blocks meanwhile,
    /// until a [`Closer`] ends the source. If the request was sent and may not be repeated, the
    /// source ends instead.
    pub fn suspend(&mut self) {
        self.source.suspend();
        self.hang_up();
    }

    /// Ends a suspension: the next call connects, and resumes after the last event ID.
    pub fn resume(&mut self) {
        self.source.resume();
    }

    /// After `Disconnected`: replaces the announced delay with `delay`, counted from the
    /// disconnection.
    pub fn retry_after(&mut self, delay: Duration) {
        self.source.retry_after(delay);
    }

    /// Returns a handle by which another thread closes this source, even while a call blocks.
    pub fn closer(&self) -> Closer {
        self.closer.clone()
    }

    /// Runs the machine until there is something to report, and returns it without a borrow; `None`
    /// after the end.
    fn advance(&mut self) -> Option<Progress> {
        if self.done {
            return None;
        }
        if self.liveness {
            self.now = None;
        }
        loop {
            if self.closer.is_closed() {
                self.source.close();
            }
            let now = *self.now.get_or_insert_with(|| self.clock.now());
            let mut input = &self.buffer[self.read..self.filled];
            self.start = self.read;
            let progress = self.source.advance(now, &mut input);
            self.read = self.filled - input.len();
            match progress {
                Progress::Connect { deadline, .. } => self.connect(progress, now, deadline),
                Progress::NeedData { deadline } => {
                    self.fill(deadline.map(|deadline| deadline.saturating_duration_since(now)));
                }
                Progress::Wait(until) => {
                    self.hang_up();
                    self.closer.sleep(until.map(|until| until.saturating_duration_since(now)));
                }
                _ => return Some(progress),
            }
            self.now = None;
        }
    }

    /// Borrows the event that the last `advance` found.
    #[expect(clippy::type_complexity, reason = "only the names of the transport's types are long")]
    fn event(
        &mut self,
        progress: Progress,
    ) -> Result<ClientEventRef<'_, T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>> {
        let error = self.error.take();
        match progress {
            Progress::Open => {
                if let Connection::Answered(head, body) = mem::replace(&mut self.connection, Connection::None)
                {
                    self.connection = Connection::Open(body);
                    return Ok(ClientEvent::Open(Box::new(head)));
                }
            }
            Progress::Closed(reason) => {
                self.done = true;
                let response = match mem::replace(&mut self.connection, Connection::None) {
                    // The body of the response will be read, and a closer can interrupt that.
                    Connection::Answered(head, body) => Some((head, body)),
                    _ => {
                        self.closer.forget();
                        None
                    }
                };
                return Err(Box::new(Closed { reason, error, response }));
            }
            Progress::Disconnected { cause, attempt, delay } => {
                self.hang_up();
                return Ok(ClientEvent::Disconnected { cause: Loss::new(cause, error), attempt, delay });
            }
            _ => {}
        }
        match self.source.output(progress, &self.buffer[self.start..self.filled]) {
            Some(Output::Frame(frame)) => Ok(frame.into()),
            output => unreachable!("{output:?} was answered above"),
        }
    }

    fn connect(&mut self, progress: Progress, now: Instant, deadline: Option<Instant>) {
        self.hang_up();
        let Some(Output::Connect { request, .. }) = self.source.output(progress, &[]) else { return };
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(now));
        match self.transport.connect(Attempt { request, timeout, closer: &self.closer }) {
            Ok((head, body)) => {
                let verdict = self.source.config().verdict(&T::head(&head));
                self.source.handle_verdict(self.transport.on_response(&head, verdict));
                self.connection = Connection::Answered(head, body);
            }
            Err(error) => {
                let kind = T::error_kind(&error);
                // If the deadline has passed, the machine reports the timeout as the cause.
                if kind == ErrorKind::Fatal || deadline.is_none_or(|deadline| self.clock.now() < deadline) {
                    self.source.handle_error(kind);
                }
                self.error = Some(error);
            }
        }
    }

    fn fill(&mut self, timeout: Option<Duration>) {
        (self.start, self.read, self.filled) = (0, 0, 0);
        let Connection::Open(body) = &mut self.connection else { return self.source.handle_eof() };
        match body.read(&mut self.buffer, timeout) {
            Ok(0) => self.source.handle_eof(),
            Ok(length) => {
                self.filled = length;
                self.transport.on_chunk(&self.buffer[..length]);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                // The machine looks at the clock. Without a timeout it is the kernel that gave up.
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if timeout.is_some() => {}
                _ => {
                    let error = error.into();
                    self.source.handle_error(T::error_kind(&error));
                    self.error = Some(error);
                }
            },
        }
    }

    /// Drops the connection and its unread bytes.
    fn hang_up(&mut self) -> Connection<T> {
        (self.start, self.read, self.filled) = (0, 0, 0);
        self.closer.forget();
        mem::replace(&mut self.connection, Connection::None)
    }
}

impl<T: Transport> Iterator for Driver<T> {
    type Item = Result<ClientEvent<T::Head, T::Error>, Box<Closed<T::Head, T::Body, T::Error>>>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_event()?.map(ClientEventRef::into_owned))
    }
}

impl<T: Transport> std::iter::FusedIterator for Driver<T> {}

impl<T: Transport> fmt::Debug for Driver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("source", &self.source).finish_non_exhaustive()
    }
}
