//! Everything about a client that is not said by its URL.

use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use proto::{Config, Driver, Repeat, Verdict};
use url::Url;

use super::proxy::Proxies;
use super::transport::{Head, Http, Shared, take_credentials};
use super::{Error, EventSource, TransportError};
use crate::clock::Clock;

pub(super) type RequestHook =
    Box<dyn Fn(Request<Bytes>, u32) -> BoxFuture<'static, Result<Request<Bytes>, BoxError>> + Send + Sync>;
pub(super) type ResponseHook = Box<dyn FnMut(&Head, Verdict) -> Verdict + Send + Sync>;
pub(super) type ChunkHook = Box<dyn FnMut(&[u8]) + Send + Sync>;
type BoxError = Box<dyn StdError + Send + Sync>;

/// Builds an [`EventSource`]: its request, the protocol's [`Config`], and hooks.
///
/// `Accept: text/event-stream` and `Cache-Control: no-cache` are sent unless set otherwise; credentials in the URL are sent
/// as `Authorization`. No compression is offered to the server, and none is undone: it would hold events back.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_async_std::http::Method;
/// use sse_async_std::{Config, EventSource, Liveness};
///
/// # fn example(key: &str) -> Result<(), sse_async_std::Error> {
/// let source = EventSource::builder("https://api.example.com/v1/chat/completions")
///     .method(Method::POST)
///     .header("authorization", format!("Bearer {key}"))
///     .header("content-type", "application/json")
///     .body(r#"{"stream": true}"#)
///     .config(Config::default().with_idle_timeout(Duration::from_secs(60)))
///     .build()?;
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    /// The request, or the first thing that was wrong with it.
    request: Result<(Url, Request<Bytes>), TransportError>,
    config: Config,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<futures_rustls::rustls::ClientConfig>>,
    proxies: Proxies,
    forward: Vec<HeaderName>,
    id_parameter: Option<String>,
    on_request: Option<RequestHook>,
    on_response: Option<ResponseHook>,
    on_chunk: Option<ChunkHook>,
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        Self::from_request(Url::parse(url).map_err(Into::into).map(|url| (url, Request::default())))
    }

    fn from_request(request: Result<(Url, Request<Bytes>), TransportError>) -> Self {
        Self {
            request,
            config: Config::default(),
            #[cfg(feature = "rustls")]
            tls: None,
            #[cfg(feature = "system-proxy")]
            proxies: Proxies::from_env(),
            #[cfg(not(feature = "system-proxy"))]
            proxies: Proxies::default(),
            forward: Vec::new(),
            id_parameter: None,
            on_request: None,
            on_response: None,
            on_chunk: None,
        }
    }

    fn with(mut self, set: impl FnOnce(&mut Request<Bytes>)) -> Self {
        if let Ok((_, request)) = &mut self.request {
            set(request);
        }
        self
    }

    /// Sets the method; `GET` unless set.
    ///
    /// Where [`Config::repeat`] says nothing, a request whose method is not idempotent (`POST`, `PATCH`) is sent once and
    /// never again: the end of its response is the end of the source.
    pub fn method(self, method: Method) -> Self {
        self.with(|request| *request.method_mut() = method)
    }

    /// Adds a header.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        let header = name
            .try_into()
            .map_err(Into::into)
            .and_then(|name| Ok((name, value.try_into().map_err(Into::into)?)));
        self.request = self.request.and_then(|(url, mut request)| {
            let (name, value) = header.map_err(TransportError::Header)?;
            request.headers_mut().append(name, value);
            Ok((url, request))
        });
        self
    }

    /// Adds headers, in the place of those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers_mut().extend(headers))
    }

    /// Sets the body, which is sent with every attempt.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with(|request| *request.body_mut() = body.into())
    }

    /// Sets how the protocol is run: reconnection, what is believed, liveness, limits, the first last event ID.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets whom to trust, and who we are. Its ALPN is ours: HTTP/1.1.
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, config: Arc<futures_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sends every request through this HTTP proxy (by `CONNECT` if it is for HTTPS), or through none, whatever the
    /// environment says. One of another kind (SOCKS, or HTTP over TLS) is an error when the source connects.
    pub fn proxy(mut self, url: Option<Url>) -> Self {
        self.proxies = url.map(Proxies::all).unwrap_or_default();
        self
    }

    /// Lets a header of this request follow a redirect to another origin. Unless named here, none does.
    pub fn forward_header(mut self, name: HeaderName) -> Self {
        self.forward.push(name);
        self
    }

    /// Sends the last event ID in this query parameter as well: for servers that look for it there, and for IDs that a
    /// header cannot carry. It takes the place of a parameter of that name in the URL.
    pub fn last_event_id_parameter(mut self, name: impl Into<String>) -> Self {
        self.id_parameter = Some(name.into());
        self
    }

    /// Calls `hook` with every request before it is sent, and the number of attempts that came to nothing before it: for a
    /// fresh token, say. An error counts as a failed attempt, and is retried as the policy wants it.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn fresh_token() -> Result<String, std::io::Error> { todo!() }
    /// # fn example() -> Result<(), sse_async_std::Error> {
    /// let source = sse_async_std::EventSource::builder("https://example.com/events")
    ///     .on_request(|mut request, _attempt| async move {
    ///         let token = format!("Bearer {}", fresh_token().await?);
    ///         request.headers_mut().insert("authorization", token.try_into()?);
    ///         Ok(request)
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn on_request<F>(mut self, hook: impl Fn(Request<Bytes>, u32) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Request<Bytes>, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        self.on_request = Some(Box::new(move |request, attempt| Box::pin(hook(request, attempt))));
        self
    }

    /// Calls `hook` with the head of every response, and the verdict on it; what it returns is done.
    pub fn on_response(
        mut self,
        hook: impl FnMut(&Head, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.on_response = Some(Box::new(hook));
        self
    }

    /// Calls `hook` with every chunk of an open response, before it is parsed: to count it, or to record it.
    pub fn on_chunk(mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) -> Self {
        self.on_chunk = Some(Box::new(hook));
        self
    }

    /// Builds the source. It connects when it is first polled.
    ///
    /// # Errors
    ///
    /// The URL or a header is malformed, or the certificates of the platform cannot be read.
    pub fn build(self) -> Result<EventSource, Error> {
        let mut config = self.config;
        let (mut url, mut request) = self.request.map_err(Error::request)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::request(TransportError::Scheme(url.scheme().into())));
        }
        let idempotent = request.method().is_idempotent();
        if config.repeat().is_none() {
            config = config.with_repeat(if idempotent { Repeat::Always } else { Repeat::Never });
        }
        let headers = request.headers_mut();
        if let Some(id) = headers.remove("last-event-id") {
            config.resume_after(id.as_bytes());
        }
        take_credentials(&mut url, headers);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        #[cfg(feature = "rustls")]
        let tls = match self.tls {
            None if url.scheme() == "http" => None,
            tls => Some(super::tls::config(tls).map_err(Error::request)?),
        };
        let shared = Shared {
            proxies: self.proxies,
            #[cfg(feature = "rustls")]
            tls,
            forward: self.forward,
            on_request: self.on_request,
        };
        let transport = Http {
            shared: Arc::new(shared),
            url: url.clone(),
            request,
            id_parameter: self.id_parameter,
            on_response: self.on_response,
            on_chunk: self.on_chunk,
            clock: Clock::default(),
        };
        let seed = RandomState::new().hash_one(());
        let driver = Driver::new(proto::EventSource::new(config, seed), transport);
        Ok(EventSource { driver, url })
    }
}

/// A request of one's own, its URI being absolute.
impl<B: Into<Bytes>> From<Request<B>> for Builder {
    fn from(request: Request<B>) -> Self {
        let url = Url::parse(&request.uri().to_string()).map_err(Into::into);
        Self::from_request(url.map(|url| (url, request.map(Into::into))))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the request, which has secrets in its headers and its query.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
