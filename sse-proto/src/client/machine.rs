//! State machine of an `EventSource` (9.2): inputs, commands, outputs.

mod inputs;
mod transitions;

use core::mem;
use core::time::Duration;

use super::reconnect::{Attempts, Random};
use super::state::State;
use super::{CloseReason, Config, Output, Polled, Progress, ReadyState, Request};
#[cfg(feature = "stream")]
use crate::decode::{Done, Read};
use crate::{Frame, Instant, Parser, Step};
use transitions::parser;

/// An `EventSource` (WHATWG HTML 9.2) without I/O: connecting, validating responses, retrying.
///
/// **It asks for one thing at a time: [`poll`](Self::poll), do what the [`Output`] says, poll
/// again.**
///
/// - To the driver and the application: [`poll`](Self::poll), or its two halves
///   [`advance`](Self::advance) and [`output`](Self::output).
/// - From the network: [`handle_response`](Self::handle_response) or
///   [`handle_verdict`](Self::handle_verdict), [`handle_eof`](Self::handle_eof),
///   [`handle_error`](Self::handle_error). They take effect at the next poll.
/// - From the application: [`close`](Self::close), [`suspend`](Self::suspend),
///   [`resume`](Self::resume), [`retry_after`](Self::retry_after).
/// - At any time: [`ready_state`](Self::ready_state), [`last_event_id`](Self::last_event_id),
///   [`reconnection_time`](Self::reconnection_time), [`close_reason`](Self::close_reason).
///
/// Time is an argument of `poll` alone, and deadlines are points in time: polling once more than
/// needed, or dropping a future and polling again, changes nothing. A driver reads its clock once
/// after it waited, not once an event. Only the last event ID and the reconnection time outlive a
/// connection.
///
/// # Example
///
/// A complete driver, for a server whose first response breaks off after one event, whose second
/// response has another event, and which then answers 204, the end.
///
/// ```
/// use std::collections::VecDeque;
/// use sse_proto::{CloseReason, Config, Epoch, EventSource, Frame, Output, ResponseHead};
///
/// let head = |status| ResponseHead::new(status, [("content-type", "text/event-stream")]);
/// let mut responses = VecDeque::from([
///     (head(200), VecDeque::from(["retry: 10\nid: 1\nda", "ta: one\n\nid: 2\ndata: cut"])),
///     (head(200), VecDeque::from(["id: 2\ndata: two\n\n"])),
///     (head(204), VecDeque::new()),
/// ]);
/// let mut seen = Vec::new();
///
/// let clock = Epoch::default();
/// let mut source = EventSource::new(Config::default(), 42); // 42: random bits, so that clients spread
/// let mut body = VecDeque::new();
/// let mut rest: &[u8] = &[];
/// let reason = loop {
///     match source.poll(clock.now(), &mut rest) {
///         Output::Connect { request, .. } => {
///             seen.push(format!("GET, Last-Event-ID: {:?}", request.last_event_id));
///             let (head, chunks) = responses.pop_front().expect("the 204 is the last");
///             body = chunks;
///             source.handle_response(head);
///         }
///         Output::NeedData { .. } => match body.pop_front() {
///             Some(chunk) => rest = chunk.as_bytes(),
///             None => source.handle_eof(),
///         },
///         Output::Wait(until) => {
///             let until = until.expect("the source is not suspended");
///             std::thread::sleep(until.saturating_duration_since(clock.now()));
///         }
///         Output::Frame(Frame::Event(event)) => seen.push(format!("{} {}", event.id, event.data)),
///         Output::Disconnected { cause, .. } => seen.push(cause.to_string()),
///         Output::Open | Output::Frame(_) => {}
///         Output::Closed(reason) => break reason,
///     }
/// };
/// assert_eq!(reason, CloseReason::NoContent);
/// assert_eq!(source.close_reason(), Some(reason));
/// assert_eq!(
///     seen,
///     [
///         "GET, Last-Event-ID: None",
///         "1 one",
///         "the response ended in the middle of an event, which was discarded as incomplete",
///         "GET, Last-Event-ID: Some(\"1\")",
///         "2 two",
///         "the response ended",
///         "GET, Last-Event-ID: Some(\"2\")",
///     ]
/// );
/// ```
#[derive(Debug)]
pub struct EventSource {
    config: Config,
    random: Random,
    state: State,
    suspended: bool,
    /// Parser of the open connection, or of the next one. It keeps the last event ID string, which
    /// outlives connections.
    parser: Parser,
    /// The reconnection time, if the server set it. It survives the connection (9.2.3).
    retry: Option<Duration>,
    attempts: Attempts,
}

impl EventSource {
    /// A source in state CONNECTING, whose first poll asks to send the request.
    ///
    /// `seed` is the source's only randomness: clients with different seeds spread their
    /// reconnections.
    pub fn new(mut config: Config, seed: u64) -> Self {
        let last_event_id = mem::take(&mut config.last_event_id);
        let parser = parser(&config, &last_event_id);
        Self {
            config,
            random: Random(seed),
            state: State::Due,
            suspended: false,
            parser,
            retry: None,
            attempts: Attempts::default(),
        }
    }

    /// Returns the next thing for the driver to do or for the application to know. There is always
    /// one.
    ///
    /// `input` are bytes of the body, empty if there are none. `input` is moved past the bytes that
    /// were parsed; poll again with the rest until the answer is `NeedData`. Unless the connection
    /// is open, `input` is emptied: no byte of a dead connection survives.
    ///
    /// `now` is the time at which the driver stopped waiting, on a clock that does not go
    /// backwards.
    #[inline]
    pub fn poll<'a, 'c: 'a>(&'a mut self, now: Instant, input: &mut &'c [u8]) -> Output<'a> {
        self.poll_at(|| now, input)
    }

    /// Reads the next frame if no clock has to be set; the parser [lends](Parser::lend) it. `None`
    /// if there is no frame, or if the connection ends; [`poll_at`](Self::poll_at) then continues
    /// with the rest of the input.
    ///
    /// (Always inlined, so that the result stays in registers.)
    #[cfg(feature = "stream")]
    #[inline(always)]
    pub(crate) fn poll_read<'c>(&mut self, input: &mut &'c [u8]) -> Option<Read<&'c str>> {
        let connection = match &mut self.state {
            State::Open(connection) if connection.is_quiet() => connection,
            _ => return None,
        };
        connection.received |= !input.is_empty();
        let read = self.parser.next_read(input).ok()?;
        match read {
            Read::Pushed(Done::NeedData) => return None,
            Read::Pushed(Done::Retry) => self.retry = self.parser.retry(),
            Read::Whole(..) | Read::Pushed(Done::Event) => self.attempts.succeeded(),
            _ => {}
        }
        Some(read)
    }

    /// The parser of the connection.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn parser(&self) -> &Parser {
        &self.parser
    }

    /// Whether a poll without input would ask for data and change nothing.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        matches!(&self.state, State::Open(connection) if connection.clocks.is_none()) && self.parser.is_idle()
    }

    /// Whether the connection is open, and a deadline runs for its next bytes.
    #[cfg(feature = "stream")]
    #[inline]
    pub(crate) fn awaits_data(&self) -> bool {
        matches!(&self.state, State::Open(connection) if connection.is_waiting())
    }

    /// Does the same as [`poll`](Self::poll), but reads the clock only if it is needed: most events
    /// need no time.
    #[inline(never)]
    pub(crate) fn poll_at<'a, 'c: 'a>(
        &'a mut self,
        now: impl FnMut() -> Instant,
        input: &mut &'c [u8],
    ) -> Output<'a> {
        let chunk = *input;
        let progress = self.advance_at(now, input);
        self.complete(progress, |step| match &self.state {
            #[expect(unsafe_code, reason = "the parser has validated the text")]
            // SAFETY: the step comes from the last read, whose input was `chunk`, which has been
            // borrowed since.
            State::Open(_) => unsafe { self.parser.borrow(step, chunk) },
            _ => self.unterminated(step),
        })
        .expect("the frame was completed just now")
    }

    /// First half of [`poll`](Self::poll): changes the state, and returns a result without borrows.
    ///
    /// A driver that owns its chunk, and returns a borrowed event from inside its polling loop,
    /// does not compile with `poll` (E0499). Use the pair: leave the loop with the [`Progress`],
    /// then call [`output`](Self::output).
    ///
    /// # Example
    ///
    /// ```
    /// use sse_proto::{EventSource, Frame, Instant, Output, Progress};
    ///
    /// struct Driver {
    ///     source: EventSource,
    ///     chunk: Vec<u8>,
    ///     read: usize,
    /// }
    ///
    /// impl Driver {
    ///     fn next_frame(&mut self, now: Instant) -> Option<Frame<'_>> {
    ///         let (progress, start) = loop {
    ///             let start = self.read;
    ///             let mut input = &self.chunk[start..];
    ///             let progress = self.source.advance(now, &mut input);
    ///             self.read = self.chunk.len() - input.len();
    ///             match progress {
    ///                 Progress::Frame(_) => break (progress, start),
    ///                 Progress::Closed(_) => return None,
    ///                 // Connect, read into `self.chunk`, or wait, as the result demands.
    ///                 _ => self.work(),
    ///             }
    ///         };
    ///         match self.source.output(progress, &self.chunk[start..]) {
    ///             Some(Output::Frame(frame)) => Some(frame),
    ///             _ => None,
    ///         }
    ///     }
    /// }
    /// # impl Driver { fn work(&mut self) { self.source.close() } }
    /// # let source = EventSource::new(sse_proto::Config::default(), 0);
    /// # assert_eq!(Driver { source, chunk: Vec::new(), read: 0 }.next_frame(Instant::ZERO), None);
    /// ```
    pub fn advance(&mut self, now: Instant, input: &mut &[u8]) -> Progress {
        self.advance_at(|| now, input)
    }

    /// Second half of [`poll`](Self::poll): adds to a [`Progress`] the text that it borrows.
    ///
    /// `progress` is the last result of [`advance`](Self::advance), and `chunk` is what `input` was
    /// before that call. Returns `None` if the source was called in between, so that the frame is
    /// gone (poll again), or if `chunk` is not that chunk and has no text at the place of a value.
    pub fn output<'a, 'c: 'a>(&'a self, progress: Progress, chunk: &'c [u8]) -> Option<Output<'a>> {
        self.complete(progress, |step| match &self.state {
            State::Open(_) => self.parser.frame(step, chunk),
            _ => self.unterminated(step),
        })
    }

    /// The event without its blank line that the poll of this step delivered, borrowed.
    fn unterminated(&self, step: Step) -> Option<Frame<'_>> {
        match &self.state {
            State::Ending { event, delivered: true } if step.needs_data() => {
                Some(Frame::Event(event.as_event()))
            }
            _ => None,
        }
    }

    /// The ready state (9.2.2): connecting, open or closed.
    pub fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Open(_) | State::Ending { .. } => ReadyState::Open,
            State::Closed(_) => ReadyState::Closed,
            _ => ReadyState::Connecting,
        }
    }

    /// Why the source closed; `None` while it is not closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        match self.state {
            State::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// The last event ID string (9.2.4): the ID of the last block that set one, on this connection
    /// or an earlier one.
    pub fn last_event_id(&self) -> &str {
        self.parser.last_event_id()
    }

    /// The settings of the source, without the last event ID.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The reconnection time (9.2.3), as the server set it, within the bounds of the policy.
    pub fn reconnection_time(&self) -> Duration {
        self.config.policy.reconnection_time(self.retry)
    }

    /// The last event ID, if there is one and a header can carry it (RFC 9110, 5.5).
    ///
    /// The specification's stream can set an ID that HTTP forbids; a client that tries to send it
    /// never connects again.
    fn sendable_id(&self) -> Option<&str> {
        let id = self.last_event_id();
        let forbidden = |byte: u8| byte.is_ascii_control() && byte != b'\t';
        (!id.is_empty() && !id.bytes().any(forbidden)).then_some(id)
    }

    /// Completes `progress` with the text that it borrows.
    #[inline]
    fn complete<'a>(
        &'a self,
        progress: Progress,
        frame: impl FnOnce(Step) -> Option<Frame<'a>>,
    ) -> Option<Output<'a>> {
        Some(match progress {
            Polled::Frame(step) => Polled::Frame(frame(step)?),
            Polled::Connect { request: (), deadline } => {
                let (last_event_id, id) = (self.sendable_id(), self.last_event_id());
                let request = Request { last_event_id, id, attempt: self.attempts.failed() };
                Polled::Connect { request, deadline }
            }
            Polled::NeedData { deadline } => Polled::NeedData { deadline },
            Polled::Wait(until) => Polled::Wait(until),
            Polled::Open => Polled::Open,
            Polled::Disconnected { cause, attempt, delay } => Polled::Disconnected { cause, attempt, delay },
            Polled::Closed(reason) => Polled::Closed(reason),
        })
    }
}
