//! HTTP transport over ureq, with one agent for each attempt.

use std::fmt;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{EXPECT, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Response, StatusCode, Uri};
use proto::{Config, ErrorKind, ResponseHead, Verdict};
use sse_http::client::{
    Blocking, Body as HttpBody, Head, Proxies, Refused, Template, TransportError, Url, authorization,
};
use ureq::Agent;

use super::Body;
use super::builder::Hooks;
use super::ureq_error::ureq_error;
use crate::ureq_connection::Connections;
use crate::{Attempt, Transport};

/// The size from which a body is sent only after the server's `100 Continue`, in bytes: an early
/// refusal is then not lost to a broken connection (RFC 9110, 10.1.1).
const LARGE: usize = 64 << 10;

/// The [`Transport`] over ureq, made by a [`Builder`](super::Builder).
pub struct Http {
    pub(super) template: Template,
    pub(super) config: Config,
    pub(super) agent: ureq::config::Config,
    /// The proxies to use; `None` if the agent's configuration has a proxy.
    pub(super) proxies: Option<Proxies>,
    pub(super) hooks: Hooks,
    /// The decision about the response, before the application's hook changed it.
    pub(super) verdict: Option<Verdict>,
}

/// Message from the thread that sends a request to the thread that waits for the response.
enum Outcome {
    Response(Result<Response<ureq::Body>, ureq::Error>),
    Closed,
}

impl Transport for Http {
    type Head = Head;
    type Body = HttpBody<Blocking<Body>>;
    type Error = TransportError;

    fn connect(&mut self, attempt: Attempt<'_>) -> Result<(Head, Self::Body), TransportError> {
        let mut exchange = self.template.attempt(&attempt.request)?;
        if let Some(hook) = &mut self.hooks.on_request {
            let request = hook(exchange.request()?, attempt.request.attempt).map_err(TransportError::Hook)?;
            exchange.replace(request)?;
        }
        let connections = Connections::default();
        let mut expects = true;
        let (head, body) = loop {
            // A connection for each request: a server that answers early may not read another one.
            let agent = connections.agent(self.agent.clone());
            let mut request = exchange.request()?;
            let expectation = expects && expect(&mut request);
            let request = self.configure(&agent, &connections, request)?;
            let response = self.send(&agent, &connections, request, attempt)?;
            let (parts, body) = response.into_parts();
            if expectation && parts.status == StatusCode::EXPECTATION_FAILED {
                // The body was not sent, and the user did not set this expectation (RFC 9110,
                // 10.1.1).
                expects = false;
                continue;
            }
            if let Some(head) = exchange.answer(parts)? {
                break (head, body);
            }
        };
        let mut body = HttpBody::new(Blocking(Body::new(body, connections)));
        let verdict = self.config.verdict(&head.response_head());
        self.verdict = match verdict {
            Verdict::Open => None,
            verdict => Some(self.refuse(&head, &mut body, verdict)),
        };
        Ok((head, body))
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        head.response_head()
    }

    fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        let verdict = self.verdict.take().unwrap_or(verdict);
        self.hooks.on_response.as_mut().map_or(verdict, |hook| hook(head, verdict))
    }

    fn on_chunk(&mut self, chunk: &[u8]) {
        if let Some(hook) = &mut self.hooks.on_chunk {
            hook(chunk);
        }
    }

    fn error_kind(error: &TransportError) -> ErrorKind {
        error.kind()
    }
}

impl Http {
    /// Sets the options of ureq that this client needs, and the proxy for the URL.
    fn configure(
        &self,
        agent: &Agent,
        connections: &Connections,
        mut request: Request<Bytes>,
    ) -> Result<Request<Bytes>, TransportError> {
        let unusable = |error| TransportError::Proxy(error);
        let url = Url::parse(&request.uri().to_string())?;
        let mut whole_url_to = None;
        let proxy = match self.proxies.as_ref().map(|proxies| proxies.of(&url)) {
            None => agent.config().proxy().cloned(),
            Some(None) => None,
            Some(Some(Err(error))) => return Err(unusable(error.into())),
            // ureq would ask for a tunnel, which many proxies refuse to the ports of plain HTTP.
            Some(Some(Ok(proxy))) if (proxy.scheme(), url.scheme()) == ("http", "http") => {
                if let Some(value) = authorization(proxy) {
                    request.headers_mut().insert(PROXY_AUTHORIZATION, value);
                }
                let uri = proxy.origin().ascii_serialization().parse::<Uri>();
                whole_url_to = Some(uri.map_err(|error| unusable(error.into()))?);
                None
            }
            Some(Some(Ok(proxy))) => {
                Some(ureq::Proxy::new(proxy.as_str()).map_err(|error| unusable(error.into()))?)
            }
        };
        connections.begin(&url, whole_url_to, proxy.is_some());
        // ureq adds the timeout to the current time without an overflow check.
        let connect = self.config.connect_timeout();
        let connect = connect.filter(|limit| Instant::now().checked_add(*limit).is_some());
        let (parts, body) = request.into_parts();
        let config = agent
            .configure_request(Request::from_parts(parts, ()))
            .max_redirects(0)
            .http_status_as_error(false)
            // Otherwise ureq refuses methods such as `QUERY`, and the source would retry without
            // end.
            .allow_non_standard_methods(true)
            .proxy(proxy)
            .timeout_resolve(connect)
            .timeout_connect(connect);
        Ok(config.build().map(|()| body))
    }

    /// Sends a request in a new thread, because a connect cannot be interrupted: when the source is
    /// closed or the time is over, that thread is left to its connect timeout.
    fn send(
        &self,
        agent: &Agent,
        connections: &Connections,
        request: Request<Bytes>,
        attempt: Attempt<'_>,
    ) -> Result<Response<ureq::Body>, TransportError> {
        let (sender, outcome) = mpsc::channel();
        let (closed, interrupt, sending) = (sender.clone(), agent.clone(), agent.clone());
        attempt.on_close(move || {
            let _ = closed.send(Outcome::Closed);
            interrupt.shutdown();
        });
        thread::Builder::new()
            .name("sse connect".into())
            .spawn(move || {
                // The body is sent without a copy.
                let (parts, body) = request.into_parts();
                let response = match body.is_empty() {
                    true => sending.run(Request::from_parts(parts, ())),
                    false => sending.run(Request::from_parts(parts, &body[..])),
                };
                // After the deadline nothing waits for the response.
                let _ = sender.send(Outcome::Response(response));
            })
            .map_err(|error| TransportError::Connect(error.into()))?;
        match self.wait(&outcome, connections) {
            Ok(Outcome::Response(response)) => {
                response.map_err(|error| ureq_error(error, connections.is_sent()))
            }
            // The source itself knows the reason.
            Ok(Outcome::Closed) => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
            Err(RecvTimeoutError::Timeout) => {
                agent.clone().shutdown();
                Err(TransportError::HeadTimeout)
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the thread of the request panicked").into())
            }
        }
    }

    /// Waits for the outcome of a request for as long as the head may take.
    ///
    /// That limit is for all redirects together. It does not cover connecting, which has its own
    /// limit, unless that is off.
    fn wait(
        &self,
        outcome: &mpsc::Receiver<Outcome>,
        connections: &Connections,
    ) -> Result<Outcome, RecvTimeoutError> {
        let Some(limit) = self.config.head_timeout() else {
            return outcome.recv().map_err(|_| RecvTimeoutError::Disconnected);
        };
        let (began, limited) = (Instant::now(), self.config.connect_timeout().is_some());
        let waited = || match connections.is_sent() || limited {
            true => connections.waited(),
            false => connections.waited() + began.elapsed(),
        };
        loop {
            // Not zero, so that a limit of zero does not poll.
            let left = limit.saturating_sub(waited()).max(Duration::from_millis(1));
            match outcome.recv_timeout(left) {
                Err(RecvTimeoutError::Timeout) if waited() < limit => {}
                outcome => return outcome,
            }
        }
    }

    /// Reads the beginning of a refused response, and lets the application's hook decide about it.
    fn refuse(&mut self, head: &Head, body: &mut HttpBody<Blocking<Body>>, verdict: Verdict) -> Verdict {
        // If the body breaks off, its beginning is used: the decision about the response stands.
        if let Some(Blocking(body)) = body.get_mut() {
            body.limit(Some(self.config.refused_body_timeout()));
        }
        let _ = body.fill_blocking(Refused::BODY);
        if let Some(Blocking(body)) = body.get_mut() {
            body.limit(None);
        }
        match &mut self.hooks.on_refused {
            Some(hook) => hook(Refused::new(head.clone(), Bytes::copy_from_slice(body.start()), verdict)),
            None => verdict,
        }
    }
}

/// Adds `Expect: 100-continue` to a request with a large body, unless the user set that header;
/// returns whether it did.
fn expect(request: &mut Request<Bytes>) -> bool {
    let adds = request.body().len() > LARGE && !request.headers().contains_key(EXPECT);
    if adds {
        request.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
    }
    adds
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("template", &self.template).finish_non_exhaustive()
    }
}
