//! The transport: requests by ureq, one agent to a connection.

use std::fmt;
use std::time::{Duration, Instant};

use proto::{ErrorKind, Redirects, ResponseHead, Verdict, basic_authorization};
use ureq::config::Config;
use ureq::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use ureq::http::{Method, Request, Response, StatusCode, Uri, Version};
use ureq::{Agent, AsSendBody};
use url::Url;

use super::builder::{RequestHook, ResponseHook};
use super::{Body, RedirectError, TransportError};
use crate::{Attempt, Transport};

/// The head of a response.
#[derive(Clone)]
#[non_exhaustive]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL after all redirects; its origin is that of the events (9.2.6).
    pub url: Url,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the URL nor what the headers say, cookies and locations: secrets would be in each error that is printed.
        f.debug_struct("Head")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The [`Transport`] over ureq, made by a [`Builder`](super::Builder).
pub struct Http {
    pub(super) agent: Config,
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    /// The user's headers that may go to another origin.
    pub(super) forward: Vec<HeaderName>,
    /// The query parameter that the last event ID goes in, besides the header.
    pub(super) id_parameter: Option<String>,
    pub(super) on_request: Option<RequestHook>,
    pub(super) on_response: Option<ResponseHook>,
}

impl Transport for Http {
    type Head = Head;
    type Body = Body;
    type Error = TransportError;

    fn connect(&mut self, attempt: Attempt<'_>) -> Result<(Head, Body), TransportError> {
        let mut url = self.url.clone();
        if let Some(parameter) = &self.id_parameter
            && let Some(query) = attempt.request.query(parameter, url.query())
        {
            url.set_query(Some(&query));
        }
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        take_credentials(&mut url, request.headers_mut());
        *request.uri_mut() = uri(&url)?;
        // Visible ASCII, UTF-8 and tabs: the machine offers no other.
        if let Some(id) = attempt.request.last_event_id
            && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
        {
            request.headers_mut().insert("last-event-id", id);
        }
        if let Some(hook) = &mut self.on_request {
            request = hook(request, attempt.request.attempt).map_err(TransportError::Hook)?;
            url = Url::parse(&request.uri().to_string()).map_err(TransportError::Url)?;
        }
        self.send(request, url, attempt)
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value));
        ResponseHead::new(head.status.as_u16(), headers)
    }

    fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        self.on_response.as_mut().map_or(verdict, |hook| hook(head, verdict))
    }

    fn error_kind(error: &TransportError) -> ErrorKind {
        error.kind()
    }
}

impl Http {
    /// Sends the request, and follows redirects.
    fn send(
        &self,
        mut request: Request<Option<Vec<u8>>>,
        mut url: Url,
        attempt: Attempt<'_>,
    ) -> Result<(Head, Body), TransportError> {
        // Not shared with other attempts: to shut it down is how to break a connection.
        let agent = Agent::new_with_config(self.agent.clone());
        let interrupt = agent.clone();
        attempt.on_close(move || interrupt.shutdown());
        let mut redirects = Redirects::default();
        let began = Instant::now();
        loop {
            // Those of a redirect, or of the hook.
            take_credentials(&mut url, request.headers_mut());
            *request.uri_mut() = uri(&url)?;
            // What is left of it: a server that is slow to redirect gets no more time by that.
            let timeout = attempt.timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
            let (parts, body) = request.clone().into_parts();
            let response = match body {
                Some(body) => run(&agent, Request::from_parts(parts, body), timeout)?,
                None => run(&agent, Request::from_parts(parts, ()), timeout)?,
            };
            let status = response.status().as_u16();
            let location = response.headers().get(LOCATION).map(|value| value.as_bytes());
            let Some(location) = Redirects::location(status, location)? else {
                let (parts, body) = response.into_parts();
                let head = Head { status: parts.status, version: parts.version, headers: parts.headers, url };
                return Ok((head, Body::new(body, agent)));
            };
            let to = url.join(location).map_err(|_| RedirectError::Location)?;
            let redirect = redirects.follow(status, request.method().as_str(), url.as_str(), to.as_str())?;
            let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
            for name in names {
                if !redirect.keeps(name.as_str(), self.forward.contains(&name)) {
                    request.headers_mut().remove(name);
                }
            }
            if redirect.becomes_get {
                *request.method_mut() = Method::GET;
                *request.body_mut() = None;
            }
            url = to;
        }
    }
}

fn uri(url: &Url) -> Result<Uri, ureq::Error> {
    url.as_str().parse().map_err(|_| ureq::Error::BadUri(url.origin().ascii_serialization()))
}

fn run<B: AsSendBody>(
    agent: &Agent,
    request: Request<B>,
    timeout: Option<Duration>,
) -> Result<Response<ureq::Body>, ureq::Error> {
    let mut config = agent
        .configure_request(request)
        .max_redirects(0)
        .http_status_as_error(false)
        // `QUERY`, say: refused, it would be tried again and again.
        .allow_non_standard_methods(true)
        // A compressor would hold events back until its block is full.
        .accept_encoding("");
    // ureq adds it to the time without a check.
    let timeout = timeout.filter(|timeout| Instant::now().checked_add(*timeout).is_some());
    if let Some(timeout) = timeout {
        config = config
            .timeout_resolve(Some(timeout))
            .timeout_connect(Some(timeout))
            .timeout_send_request(Some(timeout))
            .timeout_send_body(Some(timeout))
            .timeout_recv_response(Some(timeout));
    }
    agent.run(config.build())
}

/// Moves the credentials of the URL to where HTTP has them (ureq would send them percent-encoded). A header that is set
/// already stands.
fn take_credentials(url: &mut Url, headers: &mut HeaderMap) {
    let Some(value) = basic_authorization(url.username(), url.password()) else { return };
    // Only a URL without a host refuses, and one of HTTP has it.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    headers.entry(AUTHORIZATION).or_insert(value);
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL, which has secrets in its query.
        f.debug_struct("Http").field("method", &self.method).finish_non_exhaustive()
    }
}
