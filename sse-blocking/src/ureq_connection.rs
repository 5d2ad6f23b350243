//! Connections of an attempt: what ureq does not report about them, a deadline for each read, and
//! plain HTTP through a proxy.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sse_http::client::Url;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as UreqDuration;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Agent, Error, Timeout, http::Uri};

/// Makes the agent of an attempt, and observes its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sending: Mutex<Sending>,
    /// Whether ureq connects through a proxy.
    proxied: AtomicBool,
    /// The proxy that gets the whole URL in the next request (RFC 9112, 3.2.2); `None` without one.
    proxy: Mutex<Option<Uri>>,
    /// The scheme and authority that precede the path in the next request line.
    origin: Mutex<Option<String>>,
    /// The time by which a read of the body must end.
    deadline: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Sending {
    /// When the first byte of the current request was written to its connection.
    since: Option<Instant>,
    /// The time that earlier requests of the attempt took, after their first bytes.
    before: Duration,
}

impl Connections {
    /// An agent whose connections are observed. It is not shared with other attempts: shutting it
    /// down breaks the connection.
    pub(crate) fn agent(&self, config: ureq::config::Config) -> Agent {
        let connector = DefaultConnector::default().chain(Observer(self.clone()));
        Agent::with_parts(config, connector, self.clone())
    }

    /// Begins a request to `url`; `proxy` gets the whole URL, or ureq uses a proxy by itself.
    pub(crate) fn begin(&self, url: &Url, proxy: Option<Uri>, proxied: bool) {
        let origin = proxy.is_some().then(|| url.origin().ascii_serialization());
        let mut sending = self.sending();
        let took = sending.since.take().map(|since| since.elapsed());
        sending.before += took.unwrap_or_default();
        drop(sending);
        self.0.proxied.store(proxied, Ordering::Release);
        *self.0.proxy.lock().unwrap_or_else(PoisonError::into_inner) = proxy;
        *self.0.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin;
    }

    /// Sets the time by which reads of the body must end.
    pub(crate) fn read_until(&self, deadline: Option<Instant>) {
        *self.0.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// The limit of ureq, or the time until the deadline if that is shorter.
    fn limit(&self, mut timeout: NextTimeout) -> NextTimeout {
        if let Some(deadline) = *self.0.deadline.lock().unwrap_or_else(PoisonError::into_inner) {
            let left = deadline.saturating_duration_since(Instant::now());
            timeout.after = UreqDuration::Exact(left.min(*timeout.after));
        }
        timeout
    }

    /// Whether a part of the request may have been sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.sending().since.is_some()
    }

    /// How long the head of the response has been awaited, in all requests of the attempt, without
    /// the time in which they had no connection.
    pub(crate) fn waited(&self) -> Duration {
        let sending = self.sending();
        sending.before + sending.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.0.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves the name of the proxy in place of the host, which the proxy resolves.
impl Resolver for Connections {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let proxy = self.0.proxy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        DefaultResolver::default().resolve(proxy.as_ref().unwrap_or(uri), config, timeout)
    }
}

#[derive(Debug)]
struct Observer(Connections);

#[derive(Debug)]
struct Observed<T> {
    inner: T,
    connections: Connections,
    /// Whether the connection leads to a proxy, and its first request asks for a tunnel.
    tunnel: bool,
    /// The last step that waited for input.
    step: Option<Timeout>,
    /// Whether the server no longer takes the request.
    broken: bool,
}

impl<In: Transport> Connector<In> for Observer {
    type Out = Observed<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        // ureq connects to a proxy with a configuration that has none.
        let tunnel = details.config.proxy().is_none() && self.0.0.proxied.load(Ordering::Acquire);
        Ok(chained.map(|inner| Observed {
            inner,
            connections: self.0.clone(),
            tunnel,
            step: None,
            broken: false,
        }))
    }
}

impl<T: Transport> Observed<T> {
    /// Sends the beginning of a request, with the origin before its path.
    fn transmit_absolute(&mut self, amount: usize, origin: &str, timeout: NextTimeout) -> Result<(), Error> {
        let head = &self.inner.buffers().output()[..amount];
        let path = head.iter().position(|&byte| byte == b' ').map_or(0, |blank| blank + 1);
        let head = [&head[..path], origin.as_bytes(), &head[path..]].concat();
        let room = self.inner.buffers().output().len();
        for piece in head.chunks(room) {
            self.inner.buffers().output()[..piece.len()].copy_from_slice(piece);
            self.inner.transmit_output(piece.len(), timeout)?;
        }
        Ok(())
    }
}

impl<T: Transport> Transport for Observed<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.tunnel {
            return self.inner.transmit_output(amount, timeout);
        }
        self.connections.sending().since.get_or_insert_with(Instant::now);
        if self.broken {
            return Ok(());
        }
        let origin = self.connections.0.origin.lock().unwrap_or_else(PoisonError::into_inner).take();
        let sent = match origin {
            Some(origin) => self.transmit_absolute(amount, &origin, timeout),
            None => self.inner.transmit_output(amount, timeout),
        };
        match sent {
            // The server may have answered before it closed the connection. Its answer, or the
            // error if there is none, is read after the request.
            Err(Error::Io(error)) if is_broken(&error) => {
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
        let before = self.step.replace(timeout.reason);
        if before == Some(Timeout::Await100)
            && timeout.reason != Timeout::Await100
            && !self.inner.buffers().input().is_empty()
        {
            return Ok(true);
        }
        loop {
            let received = self.inner.await_input(self.connections.limit(timeout));
            let progress = received.map_err(|error| match error {
                // ureq takes three kinds of errors for the end of a body without a length: a reset,
                // or TLS that is broken off. No other kind of error has that effect.
                Error::Io(error) => Error::Io(io::Error::other(error)),
                error => error,
            })?;
            // ureq takes another interim response, such as 103, for the answer, and sends no body.
            let hints = match timeout.reason {
                Timeout::Await100 => hints(self.inner.buffers().input()),
                _ => 0,
            };
            self.inner.buffers().input_consume(hints);
            if hints == 0 || !self.inner.buffers().input().is_empty() {
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

/// Whether an error of a write means that the peer has closed the connection.
fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// The length of the interim responses that `input` starts with, other than `100 Continue` (RFC
/// 9110, 15.2).
fn hints(input: &[u8]) -> usize {
    let mut length = 0;
    while let rest = &input[length..]
        && rest.starts_with(b"HTTP/1.1 1")
        && !rest.starts_with(b"HTTP/1.1 100")
        && let Some(end) = rest.windows(4).position(|end| end == b"\r\n\r\n")
    {
        length += end + 4;
    }
    length
}
