//! HTTP client over ureq, with one agent for each request.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use proto::Epoch;
use sse_http::client::{HeadClock, Proxies, Route, TransportError, Url};

use super::Body;
use super::observer::{Deadline, Observer};
use super::ureq_error::ureq_error;
use crate::Attempt;

/// The error of an attempt in which ureq panicked.
const PANIC: &str = "ureq panicked: was the TLS library that its configuration names built in?";

/// The HTTP client of an [`EventSource`](super::EventSource): ureq, with a new connection for each
/// request.
pub(super) struct UreqClient {
    pub(super) agent: ureq::config::Config,
    pub(super) connect_timeout: Option<Duration>,
    /// The proxies to use; `None` if the agent's configuration has a proxy.
    pub(super) proxies: Option<Proxies>,
    pub(super) clock: Epoch,
}

/// Step of a request, reported to the thread that waits for the response.
#[derive(Debug)]
pub(super) enum Step {
    /// The connection was made, and the first byte of the request is written now.
    Sending(Instant),
    /// The request has ended.
    Ended(Result<Response<ureq::Body>, ureq::Error>),
    /// ureq panicked, as it does if its configuration names a TLS library that it was built
    /// without.
    Panicked,
    /// The source was closed.
    Closed,
}

impl UreqClient {
    /// Sends a request in a new thread, because a connect cannot be interrupted: when the source is
    /// closed or the time is over, that thread is left to its connect timeout.
    pub(super) fn send(
        &self,
        mut request: Request<Bytes>,
        clock: &mut HeadClock,
        attempt: Attempt<'_>,
    ) -> Result<Response<Body>, TransportError> {
        let (steps, progress) = mpsc::channel();
        let observer = self.observer(&mut request, steps.clone())?;
        let (proxy, deadline) = (observer.proxy.clone(), observer.deadline.clone());
        // A connection for each request: a server that answers early may not read another one.
        let agent = observer.agent(self.agent.clone());
        // ureq adds the timeout to the current time without an overflow check.
        let connect = self.connect_timeout;
        let connect = connect.filter(|limit| Instant::now().checked_add(*limit).is_some());
        let (parts, body) = request.into_parts();
        let request = agent
            .configure_request(Request::from_parts(parts, ()))
            .max_redirects(0)
            .http_status_as_error(false)
            // Otherwise ureq refuses methods such as `QUERY`, and the source would retry without
            // end.
            .allow_non_standard_methods(true)
            .proxy(proxy)
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .build();
        let (closed, interrupt, sending) = (steps.clone(), agent.clone(), agent.clone());
        attempt.on_close(move || {
            let _ = closed.send(Step::Closed);
            interrupt.shutdown();
        });
        let send = move || match body.is_empty() {
            true => sending.run(request),
            // The body is sent without a copy.
            false => sending.run(request.map(|()| &body[..])),
        };
        thread::Builder::new()
            .name("sse connect".into())
            .spawn(move || {
                let step = catch_unwind(AssertUnwindSafe(send)).map_or(Step::Panicked, Step::Ended);
                // After the timeout nothing waits for the response.
                let _ = steps.send(step);
            })
            .map_err(|error| TransportError::Connect(error.into()))?;
        let response = self.wait(&progress, clock);
        if let Err(TransportError::HeadTimeout) = response {
            agent.shutdown();
        }
        Ok(response?.map(|body| Body::new(body, deadline)))
    }

    /// Waits for the response to a request for as long as the head may take.
    fn wait(
        &self,
        progress: &mpsc::Receiver<Step>,
        clock: &mut HeadClock,
    ) -> Result<Response<ureq::Body>, TransportError> {
        let mut sent = false;
        if self.connect_timeout.is_none() {
            clock.run(self.clock.now());
        }
        loop {
            let step = match clock.left(self.clock.now()) {
                Some(left) => progress.recv_timeout(left).ok(),
                None => progress.recv().ok(),
            };
            match step {
                Some(Step::Sending(since)) => {
                    sent = true;
                    clock.run(self.clock.instant(since));
                }
                Some(Step::Ended(response)) => {
                    clock.stop(self.clock.now());
                    return response.map_err(|error| ureq_error(error, sent));
                }
                // The source itself knows the reason.
                Some(Step::Panicked) => return Err(TransportError::Unsupported(PANIC.into())),
                Some(Step::Closed) => return Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
                None => return Err(TransportError::HeadTimeout),
            }
        }
    }

    /// The observer of a request's connection, which leads through the proxy for its URL.
    fn observer(
        &self,
        request: &mut Request<Bytes>,
        steps: mpsc::Sender<Step>,
    ) -> Result<Observer, TransportError> {
        let url = Url::parse(&request.uri().to_string())?;
        let mut observer = Observer { steps, deadline: Deadline::default(), proxy: None, forwards: false };
        let Some(proxies) = &self.proxies else {
            observer.proxy = self.agent.proxy().cloned();
            return Ok(observer);
        };
        match proxies.route(&url)? {
            Route::Direct => {}
            // ureq would ask for a tunnel, which many proxies refuse to the ports of plain HTTP. So
            // ureq gets a request to the proxy itself, as if that were the server.
            route @ Route::Forward(proxy) => {
                route.address(request, &url)?;
                let uri = format!("{}/{}", proxy.origin().ascii_serialization(), request.uri());
                *request.uri_mut() = uri.parse().map_err(http::Error::from)?;
                observer.forwards = true;
            }
            Route::Tunnel(proxy) => {
                let proxy = ureq::Proxy::new(proxy.as_str());
                observer.proxy = Some(proxy.map_err(|error| TransportError::Proxy(error.into()))?);
            }
        }
        Ok(observer)
    }
}
