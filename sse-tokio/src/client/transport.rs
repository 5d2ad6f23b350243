//! What the core's driver needs: requests by reqwest, time by tokio.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use http_body_util::BodyDataStream;
use proto::{
    ErrorKind, HasStatus, Instant, Redirects, Request, ResponseHead, Timer, Transport, Verdict,
    basic_authorization,
};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url, Version};

use super::builder::{ChunkHook, RequestHook, ResponseHook};
use super::redirect::{Again, follow};
use super::{TransportError, trace};
use crate::clock::Clock;

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

impl HasStatus for Head {
    type Status = StatusCode;

    fn status(&self) -> StatusCode {
        self.status
    }
}

/// The body of a response, as a stream of its chunks.
#[derive(Debug)]
pub struct Body(BodyDataStream<reqwest::Body>);

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx).map_err(TransportError::from)
    }
}

/// The transport of an [`EventSource`](super::EventSource).
pub(super) struct Http {
    pub(super) shared: Arc<Shared>,
    /// The request as the user made it; every attempt sends a copy. `None` once it was sent and cannot be copied.
    pub(super) template: Option<reqwest::Request>,
    pub(super) on_response: Option<ResponseHook>,
    pub(super) on_chunk: Option<ChunkHook>,
    pub(super) clock: Clock,
}

/// What an attempt takes with it.
pub(super) struct Shared {
    pub(super) client: Client,
    /// Redirects are followed by us, and not by a client of the user's own.
    pub(super) redirects: bool,
    /// The user's headers that may go to another origin.
    pub(super) forward: Vec<HeaderName>,
    /// The query parameter that the last event ID goes in, besides the header.
    pub(super) id_parameter: Option<String>,
    pub(super) on_request: Option<RequestHook>,
}

impl Timer for Http {
    type Sleep = <Clock as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.clock.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

impl Transport for Http {
    type Head = Head;
    type Body = Body;
    type Chunk = Bytes;
    type Error = TransportError;
    type Connect = BoxFuture<'static, Result<(Head, Body), TransportError>>;

    fn connect(&mut self, request: Request<'_>) -> Self::Connect {
        let template = match self.template.as_ref().and_then(reqwest::Request::try_clone) {
            Some(copy) => Some(copy),
            None => self.template.take(),
        };
        let Some(mut http) = template else { return Box::pin(async { Err(TransportError::Body) }) };
        // Visible ASCII, UTF-8 and tabs: the machine offers no other.
        if let Some(id) = request.last_event_id
            && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
        {
            http.headers_mut().insert("last-event-id", id);
        }
        if let Some(parameter) = &self.shared.id_parameter
            && let Some(query) = request.query(parameter, http.url().query())
        {
            http.url_mut().set_query(Some(&query));
        }
        let attempt = request.attempt;
        trace::connecting(attempt);
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if let Some(hook) = &shared.on_request {
                http = hook(http, attempt).await.map_err(TransportError::Hook)?;
            }
            shared.send(http).await
        })
    }

    fn head(head: &Head) -> ResponseHead<'_> {
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value));
        ResponseHead::new(head.status.as_u16(), headers)
    }

    fn on_response(&mut self, head: &Head, verdict: Verdict) -> Verdict {
        self.on_response.as_mut().map_or(verdict, |hook| hook(head, verdict))
    }

    fn on_chunk(&mut self, chunk: &Bytes) {
        if let Some(hook) = &mut self.on_chunk {
            hook(chunk);
        }
    }

    fn error_kind(error: &TransportError) -> ErrorKind {
        match error {
            TransportError::Http(error) if error.is_builder() || error.is_redirect() => ErrorKind::Fatal,
            TransportError::Http(_) | TransportError::Hook(_) => ErrorKind::Retryable,
            _ => ErrorKind::Fatal,
        }
    }
}

impl Shared {
    async fn send(&self, mut request: reqwest::Request) -> Result<(Head, Body), TransportError> {
        let mut redirects = Redirects::default();
        loop {
            take_credentials(&mut request);
            let again = self.redirects.then(|| Again::from(&request));
            let response = self.client.execute(request).await?;
            if let Some(again) = again
                && let Some(next) = follow(&mut redirects, &self.forward, &response, again)?
            {
                request = next;
                continue;
            }
            let head = Head {
                status: response.status(),
                version: response.version(),
                headers: response.headers().clone(),
                url: response.url().clone(),
            };
            return Ok((head, Body(BodyDataStream::new(response.into()))));
        }
    }
}

/// Moves the credentials of the URL to where HTTP has them. A header that is set already stands.
pub(super) fn take_credentials(request: &mut reqwest::Request) {
    let url = request.url_mut();
    let Some(value) = basic_authorization(url.username(), url.password()) else { return };
    // Only a URL without a host refuses, and one of HTTP has it.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    request.headers_mut().entry(AUTHORIZATION).or_insert(value);
}
