//! What the core's driver needs: requests by hyper, sockets and time by async-io.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};
use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION};
use http::{Method, Request, StatusCode, Uri, Version};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use proto::{
    ErrorKind, HasStatus, Instant, RedirectError, Redirects, ResponseHead, Timer, Transport, Verdict,
};
use smol_hyper::rt::FuturesIo;
use url::{Position, Url};

use super::builder::{ChunkHook, RequestHook, ResponseHook};
use super::fair::Fair;
use super::proxy::{self, Proxies};
use super::{TransportError, connect};
use crate::clock::{Clock, Sleep};

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

/// The body of a response, as a stream of its chunks. It drives its connection while it is polled.
pub struct Body {
    incoming: Incoming,
    connection: Connection,
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => frame,
                // Now that the connection knows that somebody waits, it may have something.
                Poll::Pending => {
                    self.connection.poll(cx);
                    ready!(Pin::new(&mut self.incoming).poll_frame(cx))
                }
            };
            match frame.transpose()? {
                None => return Poll::Ready(None),
                // A frame without data is trailers.
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.incoming).finish()
    }
}

/// The future that moves the bytes of one connection; `None` when it has ended, how it ended being told to the body.
struct Connection(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send + Sync>>>);

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(cx).is_ready()
        {
            self.0 = None;
        }
    }
}

/// A socket, with or without TLS.
trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// The transport of an [`EventSource`](super::EventSource).
pub(super) struct Http {
    pub(super) shared: Arc<Shared>,
    pub(super) url: Url,
    /// The request as the user made it; every attempt sends a copy.
    pub(super) request: Request<Bytes>,
    /// The query parameter that the last event ID goes in, besides the header.
    pub(super) id_parameter: Option<String>,
    pub(super) on_response: Option<ResponseHook>,
    pub(super) on_chunk: Option<ChunkHook>,
    pub(super) clock: Clock,
}

/// What an attempt takes with it.
pub(super) struct Shared {
    pub(super) proxies: Proxies,
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Arc<futures_rustls::rustls::ClientConfig>>,
    /// The user's headers that may go to another origin.
    pub(super) forward: Vec<HeaderName>,
    pub(super) on_request: Option<RequestHook>,
}

impl Timer for Http {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
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

    fn connect(&mut self, request: proto::Request<'_>) -> Self::Connect {
        let mut http = self.request.clone();
        let mut url = self.url.clone();
        // Visible ASCII, UTF-8 and tabs: the machine offers no other.
        if let Some(id) = request.last_event_id
            && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
        {
            http.headers_mut().insert("last-event-id", id);
        }
        if let Some(parameter) = &self.id_parameter
            && let Some(query) = request.query(parameter, url.query())
        {
            url.set_query(Some(&query));
        }
        let attempt = request.attempt;
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            if let Some(hook) = &shared.on_request {
                *http.uri_mut() = target(&url[..Position::AfterQuery])?;
                http = hook(http, attempt).await.map_err(TransportError::Hook)?;
                url = Url::parse(&http.uri().to_string())?;
            }
            shared.send(http, url).await
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
        error.kind()
    }
}

impl Shared {
    /// Sends the request, and follows redirects.
    async fn send(&self, mut request: Request<Bytes>, mut url: Url) -> Result<(Head, Body), TransportError> {
        let mut redirects = Redirects::default();
        loop {
            take_credentials(&mut url, request.headers_mut());
            let (head, body) = self.exchange(request.clone(), &url).await?;
            let location = head.headers.get(LOCATION).map(HeaderValue::as_bytes);
            let status = head.status.as_u16();
            let Some(location) = Redirects::location(status, location)? else {
                return Ok((head, body));
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
                *request.body_mut() = Bytes::new();
            }
            url = to;
        }
    }

    /// One request, one response, over a connection of its own.
    async fn exchange(&self, mut request: Request<Bytes>, url: &Url) -> Result<(Head, Body), TransportError> {
        let proxy = self.proxies.of(url)?;
        let mut socket = connect::connect(proxy.unwrap_or(url)).await?;
        let headers = request.headers_mut();
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|error| TransportError::Header(error.into()))?;
        headers.entry(HOST).or_insert(host);

        let path = &url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = target(path)?;
        let io: Box<dyn Io> = match (url.scheme(), proxy) {
            ("http", None) => Box::new(socket),
            ("http", Some(proxy)) => {
                // A proxy for plain HTTP is asked for the whole URL (RFC 9112, 3.2.2).
                *request.uri_mut() =
                    target(&format!("http://{}{path}", &url[Position::BeforeHost..Position::AfterPort]))?;
                if let Some(value) = proxy::authorization(proxy) {
                    request.headers_mut().insert(PROXY_AUTHORIZATION, value);
                }
                Box::new(socket)
            }
            ("https", proxy) => {
                if let Some(proxy) = proxy {
                    proxy::tunnel(&mut socket, proxy, url).await?;
                }
                self.secure(url, socket).await?
            }
            (scheme, _) => return Err(TransportError::Scheme(scheme.into())),
        };

        let (mut sender, connection) = http1::handshake(FuturesIo::new(Fair::new(io))).await?;
        let mut connection = Connection(Some(Box::pin(connection)));
        let mut response = Box::pin(sender.send_request(request.map(Full::new)));
        let response = poll_fn(|cx| {
            connection.poll(cx);
            response.as_mut().poll(cx)
        })
        .await?;
        let (parts, incoming) = response.into_parts();
        let url = url.clone();
        let head = Head { status: parts.status, version: parts.version, headers: parts.headers, url };
        Ok((head, Body { incoming, connection }))
    }

    #[cfg(feature = "rustls")]
    async fn secure(&self, url: &Url, socket: async_net::TcpStream) -> Result<Box<dyn Io>, TransportError> {
        let config = match &self.tls {
            Some(config) => config,
            // A redirect led from HTTP to HTTPS.
            None => &super::tls::config(None)?,
        };
        Ok(Box::new(super::tls::connect(config, url, socket).await?))
    }

    #[cfg(not(feature = "rustls"))]
    async fn secure(&self, _: &Url, _: async_net::TcpStream) -> Result<Box<dyn Io>, TransportError> {
        Err(TransportError::Tls("enable the feature `platform-verifier` or `webpki-roots`".into()))
    }
}

/// Moves the credentials of the URL to where HTTP has them. A header that is set already stands.
pub(super) fn take_credentials(url: &mut Url, headers: &mut HeaderMap) {
    let Some(value) = proxy::authorization(url) else { return };
    // Only a URL without a host refuses, and one of HTTP has it.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    headers.entry(AUTHORIZATION).or_insert(value);
}

fn target(text: &str) -> Result<Uri, TransportError> {
    text.parse().map_err(|error: http::uri::InvalidUri| TransportError::Header(error.into()))
}
