//! Builder of a client: its request, settings and hooks.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Mutex;

use bytes::Bytes;
use proto::{Config, Verdict};
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect, retry};
use sse_http::client::{Build, Draft, Hooks, Refused, TransportError, Url};

use super::connecting::Connecting;
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

    sse_http::request_setters!();

    /// Sets the body, which is sent with every attempt. A body that is a stream can be sent only
    /// once: see [`Repeat::Never`](crate::Repeat::Never).
    ///
    /// A body of more than 64 KiB is sent 20 ms after the head, unless the server answers before: a
    /// server may refuse the request by its head (401, 413) and close the connection, and an answer
    /// that comes while reqwest writes would be lost. Your own [`client`](Self::client), a stream
    /// and a smaller body send both at once.
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        let body = body.into();
        match body.as_bytes().map(Bytes::copy_from_slice) {
            Some(bytes) => self.request = self.request.body(bytes),
            None => (self.request, self.stream) = (self.request.stream_body(), Some(body)),
        }
        self
    }

    /// Sends requests through the given client, with its proxies, certificates, cookies and
    /// connection pool. The client's redirect policy, retry policy, connect timeout and
    /// `User-Agent` apply; [`forward_header`](Self::forward_header) and [`Config::connect_timeout`]
    /// have no effect. A default retry policy sends a request that HTTP/2 refused twice more at
    /// once, even with [`Repeat::Never`](crate::Repeat::Never).
    ///
    /// A total [timeout](reqwest::ClientBuilder::timeout) of that client ends every stream after
    /// that time, even a healthy one. Sources that share a client share its HTTP/2 connections: see
    /// the [crate's](crate) documentation.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the builder of the source's own client, for example for certificates, proxies or
    /// cookies. Start from [`client_builder`], which has this crate's `User-Agent` and reads
    /// `no_proxy` as curl does. The source still follows redirects and repeats requests itself,
    /// nothing is decompressed, and no idle connection is kept. Has no effect if a
    /// [`client`](Self::client) is set.
    ///
    /// A total [timeout](ClientBuilder::timeout) ends every stream after that time, even a healthy
    /// one.
    pub fn client_builder(mut self, builder: ClientBuilder) -> Self {
        self.own_client = Some(builder);
        self
    }

    /// Calls `hook` before each request is sent, with the request and the number of failed attempts
    /// so far, for example to set a fresh token. The timeouts of the request start when the hook
    /// returns. An error of the hook counts as a failed attempt, and is retried by the policy.
    ///
    /// The hook does not see a body that is a stream.
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

    /// Calls `hook` with every refused response and the beginning of its body, before the response
    /// is retried or closes the source; the verdict that the hook returns applies.
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

    /// Calls `hook` with the head of every response and the verdict on it; the verdict that the
    /// hook returns applies.
    pub fn on_response(
        mut self,
        hook: impl FnMut(&Head, Verdict) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_response(hook);
        self
    }

    /// Calls `hook` with every chunk of the body of an open response before it is parsed, for
    /// example to count, record or forward the bytes. The chunks do not show where a new connection
    /// begins; a hook set by [`on_response`](Self::on_response) is called there.
    pub fn on_chunk(mut self, hook: impl FnMut(&[u8]) + Send + Sync + 'static) -> Self {
        self.hooks.on_chunk(hook);
        self
    }

    /// Builds the source. It connects when it is first polled.
    ///
    /// # Errors
    ///
    /// If the URL or a header is malformed, or the TLS of the client cannot be set up.
    pub fn build(self) -> Result<EventSource, Error> {
        let redirects = self.client.is_some();
        // A header of the request would replace the header of the user's client.
        let request = match self.own_client.is_some() || redirects {
            true => self.request.no_user_agent(),
            false => self.request,
        };
        let connecting = Connecting::default();
        let client = match self.client {
            Some(client) => client,
            None => {
                own_client(self.own_client, &request, &self.config, &connecting).map_err(Error::request)?
            }
        };
        // A later body replaces a stream.
        let stream = Mutex::new(self.stream.filter(|_| request.has_stream_body()));
        let http = Http { client, redirects, stream, clock: Clock::default(), connecting };
        EventSource::with_client(request, self.config, self.hooks, http)
    }
}

/// Creates a reqwest builder with this crate's `User-Agent` and the proxies of the environment.
///
/// The proxy variables are read as curl reads them; `no_proxy` has names, suffixes, addresses,
/// networks and `*`. Without such variables, the proxies of the operating system apply. The head of
/// a response over HTTP/2 may have 120 KiB.
pub fn client_builder() -> ClientBuilder {
    proxied().user_agent(Draft::USER_AGENT)
}

/// The largest head of a response over HTTP/2, in bytes: as much as each client reads over
/// HTTP/1.1.
#[cfg(feature = "http2")]
const HEAD: u32 = 120 << 10;

fn proxied() -> ClientBuilder {
    let builder = Client::builder();
    // The default is 16 KiB; the error for a larger head names another cause.
    #[cfg(feature = "http2")]
    let builder = builder.http2_max_header_list_size(HEAD);
    #[cfg(feature = "system-proxy")]
    let builder = {
        let proxies = sse_http::client::Proxies::from_env();
        match proxies.is_empty() {
            true => builder,
            // For reqwest an error means no proxy, so a malformed one becomes a name that no
            // resolver knows (RFC 6761, 6.4).
            false => builder.proxy(reqwest::Proxy::custom(move |url| {
                Some(proxies.of(url)?.map_or("http://malformed-proxy.invalid", Url::as_str).to_owned())
            })),
        }
    };
    builder
}

/// Creates the client of a source for which the user set none.
fn own_client(
    builder: Option<ClientBuilder>,
    request: &Draft,
    config: &Config,
    connecting: &Connecting,
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
            // Without this limit, the head timeout covers connecting too.
            Some(limit) => builder.connect_timeout(limit).connector_layer(connecting.clone()),
            None => builder,
        };
        builder
            .redirect(redirect::Policy::none())
            // reqwest would send a request that HTTP/2 refused twice more at once, uncounted, and
            // whatever `Config::repeat` says.
            .retry(retry::never())
            // A kept connection may be closing, and a `POST` that meets its end is not sent again.
            .pool_max_idle_per_host(0)
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
        // A minimal container may have no certificates, and `http` URLs need none.
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

/// Takes the request of a [`RequestBuilder`], and the client that it belongs to.
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
        // The request is left out, because its headers and query contain secrets.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}
