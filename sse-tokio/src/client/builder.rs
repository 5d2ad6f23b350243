//! Everything about a client that its URL does not say.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Mutex;

use bytes::Bytes;
use proto::{Config, Verdict};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, redirect};
use sse_http::client::{Build, Draft, Hooks, Refused, TransportError, Url};

use super::reqwest_client::Http;
use super::reqwest_error::error;
use super::{Error, EventSource, Head};
use crate::clock::Clock;

/// Builds an [`EventSource`]: its request, the protocol's [`Config`], and hooks.
///
/// Unless set otherwise, a request has `Accept: text/event-stream`, `Cache-Control: no-cache`,
/// `Accept-Encoding: identity` and `User-Agent: sse-http/<version>`. Credentials in the URL are
/// sent as `Authorization`. A response with a content coding is refused, because nothing here
/// decodes it.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_tokio::reqwest::Method;
/// use sse_tokio::{Config, EventSource};
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
    request: Draft,
    config: Config,
    hooks: Hooks,
    client: Option<Client>,
    own_client: Option<ClientBuilder>,
    stream: Option<reqwest::Body>,
}

impl Builder {
    pub(super) fn get(url: &str) -> Self {
        Self::new(Draft::get(url))
    }

    fn new(request: Draft) -> Self {
        Self {
            request,
            config: Config::default(),
            hooks: Hooks::default(),
            client: None,
            own_client: None,
            stream: None,
        }
    }

    /// Sets the method; `GET` unless set.
    ///
    /// Where [`Config::repeat`] is not set, a request whose method is not idempotent (`POST`,
    /// `PATCH`) is sent once and never again: the end of its response is the end of the source.
    pub fn method(mut self, method: Method) -> Self {
        self.request = self.request.method(method);
        self
    }

    /// Adds a header.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends `Authorization: Bearer <token>`.
    pub fn bearer_auth(mut self, token: impl fmt::Display) -> Self {
        self.request = self.request.bearer_auth(token);
        self
    }

    /// Adds headers, in place of those with the same names.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.request = self.request.headers(headers);
        self
    }

    /// Sets the body, which is sent with every attempt. A body that is a stream can be sent once:
    /// see [`Repeat::Never`](crate::Repeat::Never).
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        let body = body.into();
        match body.as_bytes().map(Bytes::copy_from_slice) {
            Some(bytes) => self.request = self.request.body(bytes),
            None => (self.request, self.stream) = (self.request.stream_body(), Some(body)),
        }
        self
    }

    /// Sets the body, which is sent with every attempt, to a value as JSON, and
    /// `Content-Type: application/json` unless it is set.
    #[cfg(feature = "serde")]
    pub fn json(mut self, body: &(impl serde::Serialize + ?Sized)) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Sets how the protocol is run: reconnection, which responses are accepted, timeouts, limits,
    /// the first last event ID.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sends requests through a client of your own, with its proxies, certificates, cookies and
    /// connection pool. Its redirect policy, its connect timeout and its `User-Agent` hold;
    /// [`forward_header`](Self::forward_header) and [`Config::connect_timeout`] have no effect.
    ///
    /// A total [timeout](reqwest::ClientBuilder::timeout) of that client ends every stream after
    /// that time, a healthy one too. Sources that share a client share its HTTP/2 connections: see
    /// the [crate's](crate) documentation.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets how the source's own client is made: its certificates, proxies or cookies. Start from
    /// [`client_builder`], which has this crate's `User-Agent` and reads `no_proxy` as curl does.
    /// Redirects are still followed by the source, and nothing is decompressed; beside a
    /// [`client`](Self::client) this has no effect.
    ///
    /// A total [timeout](ClientBuilder::timeout) ends every stream after that time, a healthy one
    /// too.
    pub fn client_builder(mut self, builder: ClientBuilder) -> Self {
        self.own_client = Some(builder);
        self
    }

    /// Lets a header of this request follow a redirect to another origin. Unless named here, none
    /// does.
    pub fn forward_header(mut self, name: HeaderName) -> Self {
        self.request = self.request.forward_header(name);
        self
    }

    /// Sends the last event ID in this query parameter as well: for servers that look for it there,
    /// and for IDs that a header cannot carry. It replaces a parameter of that name in the URL.
    pub fn last_event_id_parameter(mut self, name: impl Into<String>) -> Self {
        self.request = self.request.last_event_id_parameter(name.into());
        self
    }

    /// Calls `hook` with every request before it is sent, and the number of failed attempts before
    /// it, for example to set a fresh token. The timeouts of the request start after it. An error
    /// counts as a failed attempt, and is retried by the policy.
    ///
    /// A body that is a stream is not shown.
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
    pub fn on_request<F>(
        mut self,
        hook: impl Fn(http::Request<Bytes>, u32) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<http::Request<Bytes>, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        self.hooks.on_request(hook);
        self
    }

    /// Calls `hook` with every response that will not be opened, and the beginning of its body,
    /// before it is retried or closes the source: the hook returns what is done.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use sse_tokio::{CloseReason, Config, EventSource, Repeat, Verdict};
    ///
    /// # fn example() -> Result<(), sse_tokio::Error> {
    /// let source = EventSource::builder("https://api.example.com/v1/chat/completions")
    ///     .config(Config::default().with_retry_status([429]).with_repeat(Repeat::IfRefused))
    ///     .on_refused(|refused| async move {
    ///         // Throttling passes, an exhausted quota does not.
    ///         match refused.text().contains("insufficient_quota") {
    ///             true => Verdict::Close(CloseReason::Status(429)),
    ///             false => refused.verdict,
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn on_refused<F>(mut self, hook: impl Fn(Refused) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        self.hooks.on_refused(hook);
        self
    }

    /// Calls `hook` with the head of every response, and the verdict on it; the hook returns what
    /// is done.
    pub fn on_response(
        mut self,
        hook: impl FnMut(&Head, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_response(hook);
        self
    }

    /// Calls `hook` with every piece of the body of an open response, as it comes and before it is
    /// parsed: to count the bytes, to record or to forward them. Reconnections are not marked.
    pub fn on_chunk(mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) -> Self {
        self.hooks.on_chunk(hook);
        self
    }

    /// Builds the source. It connects when it is first polled.
    ///
    /// # Errors
    ///
    /// The URL or a header is malformed, or the TLS of the client cannot be set up.
    pub fn build(self) -> Result<EventSource, Error> {
        let redirects = self.client.is_some();
        // A header of the request would replace the header of the user's client.
        let request = match self.own_client.is_some() || redirects {
            true => self.request.no_user_agent(),
            false => self.request,
        };
        let client = match self.client {
            Some(client) => client,
            None => own_client(self.own_client, &request, &self.config).map_err(Error::request)?,
        };
        let stream = Mutex::new(self.stream);
        let http = Http { client, redirects, stream, clock: Clock::default() };
        EventSource::with_client(request, self.config, self.hooks, http)
    }
}

/// The builder of a client that has this crate's `User-Agent` and goes through the proxies that the
/// environment names.
///
/// The proxies are read as curl reads them; `no_proxy` has names, suffixes, addresses, networks and
/// `*`. Without such variables, those of the operating system count.
pub fn client_builder() -> ClientBuilder {
    proxied().user_agent(Draft::USER_AGENT)
}

fn proxied() -> ClientBuilder {
    let builder = Client::builder();
    #[cfg(feature = "system-proxy")]
    let builder = {
        let proxies = sse_http::client::Proxies::from_env();
        match proxies.is_empty() {
            true => builder,
            false => builder.proxy(reqwest::Proxy::custom(move |url| proxies.of(url)?.ok().cloned())),
        }
    };
    builder
}

/// The client of a source that was given none.
fn own_client(
    builder: Option<ClientBuilder>,
    request: &Draft,
    config: &Config,
) -> Result<Client, TransportError> {
    #[cfg(feature = "system-proxy")]
    if builder.is_none()
        && let Some(Err(error)) = request
            .url()
            .and_then(|url| sse_http::client::Proxies::from_env().of(url).map(|proxy| proxy.map(drop)))
    {
        return Err(TransportError::Proxy(error.into()));
    }
    let finished = |builder: ClientBuilder| {
        let builder = match config.connect_timeout() {
            Some(limit) => builder.connect_timeout(limit),
            None => builder,
        };
        builder
            .redirect(redirect::Policy::none())
            // Another crate may have turned these features on, and a decoder hides the coding that
            // is to be refused.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .build()
    };
    let client = match builder {
        Some(builder) => finished(builder),
        // A small container has no certificates, and `http` needs none.
        None => finished(proxied()).or_else(|error| match request.url().map(Url::scheme) {
            Some("http") => finished(without_certificates(proxied())),
            _ => Err(error),
        }),
    };
    client.map_err(|error| TransportError::Tls(error.into()))
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn without_certificates(builder: ClientBuilder) -> ClientBuilder {
    builder
}

/// The request of a [`RequestBuilder`], sent by its client.
impl From<RequestBuilder> for Builder {
    fn from(builder: RequestBuilder) -> Self {
        let (client, request) = builder.build_split();
        let request = request.and_then(http::Request::<reqwest::Body>::try_from).map_err(error);
        let builder = match request.map(http::Request::into_parts) {
            Ok((parts, body)) => {
                Self::new(Draft::from_request(http::Request::from_parts(parts, Bytes::new()))).body(body)
            }
            Err(error) => Self::new(Draft::failed(error)),
        };
        builder.client(client)
    }
}

impl Build for Http {
    type Builder = Builder;

    fn builder(url: &str) -> Builder {
        Builder::get(url)
    }

    fn build(builder: Builder) -> Result<EventSource, Error> {
        builder.build()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the request, which has secrets in its headers and its query.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
