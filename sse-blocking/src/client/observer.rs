//! Observer of the connection that ureq makes for a request: what ureq does not report, a deadline
//! for each read, and plain HTTP through a proxy.

use std::io;
use std::mem;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sse_http::client::{ChunkSizes, Interim};
use ureq::config::Config;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::time::Duration as UreqDuration;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, Either, NextTimeout, Transport,
};
use ureq::{Agent, Error, Timeout};

use super::ureq_client::Step;

/// The size from which a piece of a body waits for an early answer, in bytes.
const PIECE: usize = 64 << 10;
/// How long it waits.
const PAUSE: Duration = Duration::from_millis(1);

/// Connector of the agent of one request, whose connection it observes.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    /// Gets the time when the first byte of the request is written.
    pub(super) steps: Sender<Step>,
    pub(super) deadline: Deadline,
    /// The proxy that ureq uses by itself.
    pub(super) proxy: Option<ureq::Proxy>,
    /// Whether the target of the request is a slash and the whole URL for a proxy, which gets it
    /// without that slash (RFC 9112, 3.2.2).
    pub(super) forwards: bool,
}

/// The time by which reads of a body must end; ureq fixes its own limits when it sends a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    /// Sets the time that reads may take from now on; `None` for no limit.
    pub(super) fn set(&self, time: Option<Duration>) {
        *self.time() = time.and_then(|time| Instant::now().checked_add(time));
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Option<Duration> {
        self.time().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    fn time(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer {
    /// Creates the agent of the request. It is not shared with other requests: shutting it down
    /// breaks the connection.
    pub(super) fn agent(self, config: Config) -> Agent {
        let connector = DefaultConnector::default().chain(self);
        Agent::with_parts(config, connector, DefaultResolver::default())
    }
}

impl<In: Transport> Connector<In> for Observer {
    type Out = Either<In, Observed<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // ureq connects to a proxy that opens a tunnel with a configuration that has no proxy.
        let opens_tunnel = self.proxy.is_some() && details.config.proxy().is_none();
        Ok(chained.map(|inner| match opens_tunnel {
            true => Either::A(inner),
            false => Either::B(Observed::new(inner, self.clone())),
        }))
    }
}

#[derive(Debug)]
pub(super) struct Observed<T> {
    inner: T,
    observer: Observer,
    /// Whether a part of the request may have been sent.
    sent: bool,
    /// Whether a write failed.
    broken: bool,
    /// Whether there may be input that ureq does not know of.
    unseen: bool,
    /// Whether the status of the answer was received.
    answered: bool,
    sizes: ChunkSizes,
}

impl<T: Transport> Observed<T> {
    fn new(inner: T, observer: Observer) -> Self {
        Self {
            inner,
            observer,
            sent: false,
            broken: false,
            unseen: false,
            answered: false,
            sizes: ChunkSizes::default(),
        }
    }

    /// Receives input up to a malformed chunk size, which is the error of the next call: ureq
    /// accepts sizes such as `+5`.
    fn receive(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.sizes.check(&[]).map_err(io::Error::other)?;
        let unread = self.inner.buffers().input().len();
        let progress = self.inner.await_input(timeout)?;
        let buffers = self.inner.buffers();
        let valid = unread + self.sizes.check(&buffers.input()[unread..]).map_err(io::Error::other)?;
        if valid < buffers.input().len() {
            let input = buffers.input()[..valid].to_vec();
            buffers.input_consume(buffers.input().len());
            buffers.input_append_buf()[..valid].copy_from_slice(&input);
            buffers.input_appended(valid);
        }
        Ok(progress)
    }

    /// Removes interim responses from the input: ureq takes one with header fields for the answer
    /// while it waits for the 100, and fails at a 100 with fields after that.
    fn skip_interim(&mut self) -> Interim {
        let buffers = self.inner.buffers();
        let interim = Interim::of(buffers.input());
        if interim.length > 0 {
            buffers.input_consume(interim.length);
        }
        self.answered = interim.is_answered;
        interim
    }

    /// Whether the answer came, or the connection ended, before the whole body is written.
    ///
    /// Checked before each write over TLS, which is not read after a write that failed.
    fn is_answered_early(&mut self, timeout: NextTimeout) -> bool {
        let after = UreqDuration::Exact(PAUSE.min(*timeout.after));
        match self.receive(NextTimeout { after, ..timeout }) {
            Err(Error::Timeout(_)) => false,
            Ok(true) => {
                self.unseen = true;
                self.skip_interim().is_answered
            }
            Ok(false) | Err(_) => true,
        }
    }
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, mut amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !mem::replace(&mut self.sent, true) {
            // After the timeout nothing waits for this.
            let _ = self.observer.steps.send(Step::Sending(Instant::now()));
        } else if amount > PIECE && !self.broken && self.is_tls() {
            self.broken = self.is_answered_early(timeout);
        }
        if self.broken {
            return Ok(());
        }
        let head = &mut self.inner.buffers().output()[..amount];
        if mem::take(&mut self.observer.forwards)
            && let Some(slash) = head.iter().position(|&byte| byte == b'/')
        {
            head.copy_within(slash + 1.., slash);
            amount -= 1;
        }
        match self.inner.transmit_output(amount, timeout) {
            // The server may have answered before it closed the connection (RFC 9112, 9.6). Its
            // answer, or the error if there is none, is read after the request.
            Err(Error::Io(_)) => {
                self.broken = true;
                Ok(())
            }
            sent => sent,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        // ureq reads an early answer while it waits for the 100 (RFC 9110, 10.1.1), then waits for
        // more input before it parses what it has read; a server that keeps the connection open
        // would be waited for until a timeout.
        let awaits = timeout.reason == Timeout::Await100;
        let unseen = mem::replace(&mut self.unseen, awaits);
        if unseen && !awaits && !self.inner.buffers().input().is_empty() {
            return Ok(true);
        }
        let mut limited = timeout;
        loop {
            if let Some(left) = self.observer.deadline.left() {
                limited.after = UreqDuration::Exact(left.min(*timeout.after));
            }
            let progress = self.receive(limited).map_err(|error| match error {
                // ureq takes three kinds of errors for the end of a body without a length: a reset,
                // or TLS that is broken off. No other kind of error has that effect.
                Error::Io(error) => Error::Io(io::Error::other(error)),
                error => error,
            })?;
            if self.answered {
                return Ok(progress);
            }
            let interim = self.skip_interim();
            if awaits && interim.continues {
                // After this timeout ureq sends the body.
                return Err(Error::Timeout(Timeout::Await100));
            }
            let waits_on = match self.inner.buffers().input() {
                [] => interim.length > 0,
                _ => awaits && interim.is_cut,
            };
            if !progress || !waits_on {
                return Ok(progress);
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::mpsc;

    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const CONTINUE: &str = "HTTP/1.1 100 Continue\r\nServer: x\r\nVia: 1.1 y\r\n\r\n";
    const ANSWER: &str = "HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno";

    /// A connection over TLS on which these pieces arrive; counts the written bytes.
    #[derive(Debug)]
    struct Pieces(LazyBuffers, VecDeque<String>, usize);

    impl Transport for Pieces {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.0
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            self.2 += amount;
            Ok(())
        }

        fn is_tls(&self) -> bool {
            true
        }

        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
            let piece = self.1.pop_front().ok_or(Error::Timeout(timeout.reason))?;
            self.0.input_append_buf()[..piece.len()].copy_from_slice(piece.as_bytes());
            self.0.input_appended(piece.len());
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn observed(pieces: &[&str]) -> Observed<Pieces> {
        let pieces = pieces.iter().map(|&piece| piece.to_owned()).collect();
        let steps = mpsc::channel().0;
        let observer = Observer { steps, deadline: Deadline::default(), proxy: None, forwards: false };
        Observed::new(Pieces(LazyBuffers::new(1024, 2 * PIECE), pieces, 0), observer)
    }

    /// The outcome of a wait, and the input that ureq then has.
    fn waited(observed: &mut Observed<Pieces>, reason: Timeout) -> (Result<bool, Error>, String) {
        let after = UreqDuration::Exact(Duration::from_secs(1));
        let waited = observed.await_input(NextTimeout { after, reason, ..NextTimeout::default() });
        (waited, String::from_utf8_lossy(observed.buffers().input()).into_owned())
    }

    // RFC 9110, 15.2.
    #[test]
    fn a_100_continue_with_header_fields_ends_the_wait_for_it_wherever_it_is_cut() {
        for all in [CONTINUE.to_owned(), HINTS.to_owned() + CONTINUE, CONTINUE.to_owned() + HINTS] {
            for cut in 1..all.len() {
                let mut observed = observed(&[&all[..cut], &all[cut..], ANSWER]);
                let (mut wait, mut input) = waited(&mut observed, Timeout::Await100);
                // ureq waits on while the status is not complete.
                if matches!(wait, Ok(true)) && "HTTP/1.1 10".starts_with(&input) {
                    (wait, input) = waited(&mut observed, Timeout::Await100);
                }
                assert!(matches!(wait, Err(Error::Timeout(Timeout::Await100))), "{cut} {wait:?}");
                assert!(HINTS.starts_with(&input), "{cut} {input:?}");
                let (wait, mut input) = waited(&mut observed, Timeout::Global);
                while !input.ends_with(ANSWER) {
                    input = waited(&mut observed, Timeout::Global).1;
                }
                assert!(matches!(wait, Ok(true)), "{cut} {wait:?}");
                assert_eq!(input, ANSWER, "{cut}");
            }
        }
    }

    #[test]
    fn an_answer_instead_of_100_continue_ends_the_wait_after_hints() {
        let (wait, input) = waited(&mut observed(&[HINTS, ANSWER]), Timeout::Await100);
        assert!(matches!(wait, Ok(true)), "{wait:?}");
        assert_eq!(input, ANSWER);
    }

    #[test]
    fn a_100_continue_without_an_expectation_is_skipped_before_the_answer() {
        let both = CONTINUE.to_owned() + ANSWER;
        let (wait, input) = waited(&mut observed(&[&both]), Timeout::Global);
        assert!(matches!(wait, Ok(true)), "{wait:?}");
        assert_eq!(input, ANSWER);
    }

    #[test]
    fn bytes_of_a_body_that_look_like_an_interim_response_stay() {
        let mut observed = observed(&[ANSWER, CONTINUE]);
        assert_eq!(waited(&mut observed, Timeout::Global).1, ANSWER);
        observed.buffers().input_consume(ANSWER.len());
        assert_eq!(waited(&mut observed, Timeout::Global).1, CONTINUE);
    }
    // RFC 9112, 9.6.
    #[test]
    fn no_more_of_a_body_is_written_over_tls_once_the_answer_came() {
        let mut observed = observed(&[CONTINUE, HINTS, ANSWER]);
        let pieces = [100, PIECE, PIECE + 1, PIECE + 1, PIECE + 1, PIECE + 1];
        for amount in pieces {
            observed.transmit_output(amount, NextTimeout::default()).unwrap();
        }
        // The last two come after the answer.
        assert_eq!(observed.inner.2, pieces[..4].iter().sum::<usize>());
        let (wait, input) = waited(&mut observed, Timeout::Global);
        assert!(matches!(wait, Ok(true)), "{wait:?}");
        assert_eq!(input, ANSWER);
    }
}
