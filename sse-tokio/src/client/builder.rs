//! Everything about a client that is not said by its URL.

use std::error::Error as StdError;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use futures_core::future::BoxFuture;
use proto::{Config, Driver, Repeat, Verdict};
use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, IntoUrl, Method, Request, RequestBuilder, Url, redirect};

use super::trace::Trace;
use super::transport::{Head, Http, Shared, take_credentials};
use super::{Error, EventSource, TransportError};
use crate::clock::Clock;

pub(super) type RequestHook =
    Box<dyn Fn(Request, u32) -> BoxFuture<'static, Result<Request, BoxError>> + Send + Sync>;
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
/// use sse_tokio::reqwest::Method;
/// use sse_tokio::{Config, EventSource, Liveness};
///
/// # fn example(key: &str) -> Result<(), sse_tokio::Error> {
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
    request: Result<Request, TransportError>,
    client: Option<Client>,
    own_client: Option<ClientBuilder>,
    config: Config,
    forward: Vec<HeaderName>,
    id_parameter: Option<String>,
    on_request: Option<RequestHook>,
    on_response: Option<ResponseHook>,
    on_chunk: Option<ChunkHook>,
}

impl Builder {
    pub(super) fn new(url: impl IntoUrl) -> Self {
        Self::from_request(
            url.into_url().map(|url| Request::new(Method::GET, url)).map_err(TransportError::from),
        )
    }

    fn from_request(request: Result<Request, TransportError>) -> Self {
        Self {
            request,
            client: None,
            own_client: None,
            config: Config::default(),
            forward: Vec::new(),
            id_parameter: None,
            on_request: None,
            on_response: None,
            on_chunk: None,
        }
    }

    /// Sets the method; `GET` unless set.
    ///
    /// Where [`Config::repeat`] says nothing, a request whose method is not idempotent (`POST`, `PATCH`) is sent once and
    /// never again: the end of its response is the end of the source.
    pub fn method(mut self, method: Method) -> Self {
        if let Ok(request) = &mut self.request {
            *request.method_mut() = method;
        }
        self
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
        self.request = self.request.and_then(|mut request| {
            let (name, value) = header.map_err(TransportError::Header)?;
            request.headers_mut().append(name, value);
            Ok(request)
        });
        self
    }

    /// Adds headers, in the place of those of the same names.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        if let Ok(request) = &mut self.request {
            request.headers_mut().extend(headers);
        }
        self
    }

    /// Sets the body, which is sent with every attempt. One that is a stream can be sent once: see [`Repeat::Never`].
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        if let Ok(request) = &mut self.request {
            *request.body_mut() = Some(body.into());
        }
        self
    }

    /// Sets how the protocol is run: reconnection, what is believed, liveness, limits, the first last event ID.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sends requests by a client of your own, with its proxies, certificates, cookies and connection pool; its redirect
    /// policy holds as well, and [`forward_header`](Self::forward_header) has no effect.
    ///
    /// A total [timeout](reqwest::ClientBuilder::timeout) of that client ends every stream after that time, a healthy one
    /// too. Sources that share a client share its HTTP/2 connections: see the [crate's](crate) documentation.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets how the source's own client is made: its certificates, proxies or timeouts. Redirects are still followed by the
    /// source, and nothing is decompressed; beside a [`client`](Self::client) this has no effect.
    ///
    /// A total [timeout](ClientBuilder::timeout) ends every stream after that time, a healthy one too.
    pub fn client_builder(mut self, builder: ClientBuilder) -> Self {
        self.own_client = Some(builder);
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
    /// # fn example() -> Result<(), sse_tokio::Error> {
    /// let source = sse_tokio::EventSource::builder("https://example.com/events")
    ///     .on_request(|mut request, _attempt| async move {
    ///         let token = format!("Bearer {}", fresh_token().await?);
    ///         request.headers_mut().insert("authorization", token.try_into()?);
    ///         Ok(request)
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn on_request<F>(mut self, hook: impl Fn(Request, u32) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Request, Box<dyn StdError + Send + Sync>>> + Send + 'static,
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

    /// Calls `hook` with every piece of the body of an open response, as it comes and before it is parsed: to count the
    /// bytes, to record or to forward them. Reconnections are not marked.
    pub fn on_chunk(mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) -> Self {
        self.on_chunk = Some(Box::new(hook));
        self
    }

    /// Builds the source. It connects when it is first polled.
    ///
    /// # Errors
    ///
    /// The URL or a header is malformed, or the TLS of the client cannot be set up.
    pub fn build(self) -> Result<EventSource, Error> {
        let mut config = self.config;
        let mut request = self.request.map_err(Error::request)?;
        if !matches!(request.url().scheme(), "http" | "https") {
            return Err(Error::request(TransportError::Scheme(request.url().scheme().into())));
        }
        let idempotent = request.method().is_idempotent();
        if config.repeat().is_none() {
            config = config.with_repeat(if idempotent { Repeat::Always } else { Repeat::Never });
        }
        let headers = request.headers_mut();
        if let Some(id) = headers.remove("last-event-id") {
            config.resume_after(id.as_bytes());
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        let redirects = self.client.is_none();
        let client = match self.client {
            Some(client) => client,
            None => {
                own_client(self.own_client, request.url()).map_err(|error| Error::request(error.into()))?
            }
        };
        take_credentials(&mut request);
        let trace = Trace::new(request.url());
        let url = request.url().clone();
        let shared = Shared {
            client,
            redirects,
            forward: self.forward,
            id_parameter: self.id_parameter,
            on_request: self.on_request,
        };
        let transport = Http {
            shared: Arc::new(shared),
            template: Some(request),
            on_response: self.on_response,
            on_chunk: self.on_chunk,
            clock: Clock::default(),
        };
        let seed = RandomState::new().hash_one(());
        let driver = Driver::new(proto::EventSource::new(config, seed), transport);
        Ok(EventSource { driver, url, trace })
    }
}

/// The client of a source that was given none.
fn own_client(builder: Option<ClientBuilder>, url: &Url) -> Result<Client, reqwest::Error> {
    match builder {
        Some(builder) => finished(builder),
        // A small container has no certificates, and `http` needs none.
        None => finished(Client::builder()).or_else(|error| match url.scheme() {
            "http" => finished(without_certificates(Client::builder())),
            _ => Err(error),
        }),
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder
}

fn finished(builder: ClientBuilder) -> Result<Client, reqwest::Error> {
    builder
        .redirect(redirect::Policy::none())
        // Another crate may have turned these features on; a compressor holds events back until its block is full.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .build()
}

/// The request of a [`RequestBuilder`], sent by its client.
impl From<RequestBuilder> for Builder {
    fn from(builder: RequestBuilder) -> Self {
        let (client, request) = builder.build_split();
        Self::from_request(request.map_err(TransportError::from)).client(client)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the request, which has secrets in its headers and its query.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
