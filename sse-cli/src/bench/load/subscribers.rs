//! All subscribers of a run: connects them, and waits for readable sockets.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::counts::Counts;
use super::marker::Markers;
use super::socket;
use super::subscriber::{Fault, Outcome, Reading, Subscriber};

/// How many connections are made at a time. Listeners queue 128 or more.
const CONNECTING: usize = 128;

/// The longest wait before the clock and the watch are checked again.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// The stream to subscribe to.
#[derive(Debug)]
pub(crate) struct Target {
    /// The addresses of the server; the first one that answers is used.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The complete request.
    pub(crate) request: Vec<u8>,
}

/// Observer of a run, which can stop it early.
pub(crate) trait Watch {
    /// Called when this number of subscribers is connected.
    fn connected(&mut self, _count: usize) {}
    /// Called with the deliveries since the turn began.
    fn delivered(&mut self, _elapsed: Duration, _deliveries: u64) {}
    /// Whether the run has to stop now.
    fn stopped(&mut self) -> bool {
        false
    }
}

/// Subscribers that receive events on one thread.
pub(crate) struct Subscribers {
    poll: Poll,
    events: Events,
    all: Vec<Subscriber>,
    request: Vec<u8>,
    buffer: Vec<u8>,
    reading: Reading,
    pub(super) markers: Arc<Markers>,
    /// One past the highest event number that was published. The publisher raises it before it
    /// publishes.
    pub(super) announced: Arc<AtomicU32>,
    pub(super) counts: Counts,
}

/// Why subscribers could not be connected.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The server answered, but not with an event stream.
    Refused { subscriber: usize, message: String },
    /// A connection could not be made, or had no answer.
    Failed { connected: usize, count: usize, message: String },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { subscriber, message } => {
                write!(f, "subscriber {subscriber}: the response is not an event stream: {message}")
            }
            Self::Failed { connected, count, message } => {
                write!(f, "{connected} of {count} subscribers connected: {message}")
            }
        }
    }
}

impl Error for ConnectError {}

impl Subscribers {
    /// Connects `count` subscribers, and waits until each has received the head of an event stream.
    /// Connects fewer if the watch stops the run.
    ///
    /// # Errors
    ///
    /// If a connection fails, if nothing happens for the time `patience`, if a response is not an
    /// event stream, or if the process may not open enough files.
    pub(crate) fn connect(
        target: &Target,
        count: usize,
        patience: Duration,
        watch: &mut dyn Watch,
    ) -> Result<Self, ConnectError> {
        let failed = |connected, message: String| ConnectError::Failed { connected, count, message };
        socket::allow_files(count).map_err(|message| failed(0, message))?;
        let mut this = Self::new(target, count).map_err(|error| failed(0, error.to_string()))?;
        let (mut open, mut last, mut address) = (0, Instant::now(), 0);
        while open < count && !watch.stopped() {
            while this.all.len() < count && this.all.len() - open < CONNECTING {
                this.begin(target.addresses[address]).map_err(|error| failed(open, error.to_string()))?;
            }
            this.wait(TICK).map_err(|error| failed(open, error.to_string()))?;
            let before = open;
            for at in this.ready() {
                match this.progress(at) {
                    Ok(opened) => open += usize::from(opened),
                    // `localhost` is ::1 too, where the server may not listen.
                    Err(Fault::Cut(_)) if open == 0 && address + 1 < target.addresses.len() => {
                        address += 1;
                        this.all.clear();
                        break;
                    }
                    Err(Fault::Cut(message)) => return Err(failed(open, message)),
                    Err(Fault::Refused(message)) => {
                        return Err(ConnectError::Refused { subscriber: at + 1, message });
                    }
                }
            }
            if open > before {
                last = Instant::now();
                watch.connected(open);
            } else if last.elapsed() >= patience {
                return Err(failed(open, format!("no answer for {} s", patience.as_secs_f64())));
            }
        }
        this.all.retain(Subscriber::is_open);
        this.number()?;
        Ok(this)
    }

    /// Number of connected subscribers.
    pub(crate) fn len(&self) -> usize {
        self.open().count()
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &Subscriber> {
        self.all.iter().filter(|subscriber| subscriber.is_open())
    }

    fn new(target: &Target, count: usize) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            all: Vec::with_capacity(count),
            request: target.request.clone(),
            buffer: vec![0; 256 << 10],
            reading: Reading::default(),
            markers: Arc::new(Markers::new()),
            announced: Arc::new(AtomicU32::new(0)),
            counts: Counts::new(0),
        })
    }

    /// Begins to make one more connection.
    fn begin(&mut self, address: SocketAddr) -> io::Result<()> {
        let at = self.all.len();
        let mut stream = socket::connect(address, at)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(at), interest)?;
        self.all.push(Subscriber::new(stream));
        Ok(())
    }

    /// Continues a connection that is being made; returns whether its stream is open now.
    fn progress(&mut self, at: usize) -> Result<bool, Fault> {
        let Some(subscriber) = self.all.get_mut(at) else { return Ok(false) };
        let sent = subscriber.send(&self.request).map_err(|error| Fault::Cut(error.to_string()))?;
        let mut opened = false;
        while sent
            && let Some((outcome, _)) = subscriber.read(&mut self.buffer, &self.markers, &mut self.reading)
        {
            self.reading.clear();
            match outcome {
                Outcome::Opened => opened = true,
                Outcome::Failed(fault) => return Err(fault),
                Outcome::Waiting | Outcome::Events => {}
            }
        }
        Ok(opened)
    }

    /// Renumbers the connections and their tokens by position, after failed ones were removed.
    fn number(&mut self) -> Result<(), ConnectError> {
        let (registry, count) = (self.poll.registry(), self.all.len());
        for (at, subscriber) in self.all.iter_mut().enumerate() {
            registry
                .reregister(&mut subscriber.stream, Token(at), Interest::READABLE)
                .map_err(|error| ConnectError::Failed { connected: at, count, message: error.to_string() })?;
        }
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(time)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            result => result,
        }
    }

    fn ready(&self) -> Vec<usize> {
        self.events.iter().map(|event| event.token().0).collect()
    }

    /// Begins a turn, in which every subscriber waits for the next published event.
    pub(super) fn begin_turn(&mut self) {
        let first = self.announced.load(Ordering::Acquire);
        self.counts = Counts::new(first);
        self.all.iter_mut().for_each(|subscriber| subscriber.ledger.begin(first));
    }

    /// Waits at most `time` for bytes to arrive, and counts their events.
    pub(super) fn receive(&mut self, time: Duration) -> io::Result<()> {
        self.wait(time)?;
        for event in self.events.iter() {
            let at = event.token().0;
            let Some(subscriber) = self.all.get_mut(at) else { continue };
            let closed = event.is_read_closed() || event.is_error();
            while let Some((outcome, length)) =
                subscriber.read(&mut self.buffer, &self.markers, &mut self.reading)
            {
                let announced = self.announced.load(Ordering::Acquire);
                self.counts.take(subscriber, &self.reading, length, &self.markers, announced);
                if let Outcome::Failed(Fault::Cut(message) | Fault::Refused(message)) = outcome {
                    // Events that the hub repeats to another subscriber are parsed again.
                    self.reading.clear();
                    self.counts.cut(subscriber, message, announced);
                    let _ = self.poll.registry().deregister(&mut subscriber.stream);
                    let _ = subscriber.stream.shutdown(std::net::Shutdown::Both);
                    break;
                }
                // epoll(7), question 9: a short read has emptied the socket. Saves half of the
                // system calls.
                if cfg!(target_os = "linux") && length < self.buffer.len() && !closed {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Ends the turn, and counts missing events as lost.
    pub(super) fn end_turn(&mut self) -> Counts {
        let end = self.announced.load(Ordering::Acquire);
        for subscriber in self.all.iter_mut().filter(|subscriber| subscriber.is_open()) {
            subscriber.ledger.close(end, &mut self.counts.tally);
        }
        std::mem::replace(&mut self.counts, Counts::new(end))
    }

    /// Sets the end of the burst that subscribers wait for.
    pub(super) fn expect(&mut self, end: u32) {
        self.counts.end = end;
        self.counts.pending = self.open().filter(|subscriber| !subscriber.ledger.has_reached(end)).count();
    }
}
