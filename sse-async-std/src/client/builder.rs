//! Builder of a client: its request, settings and hooks.

use std::error::Error as StdError;
use std::fmt;
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::Request;
use proto::{Config, Verdict};
use sse_http::client::{Build, Draft, Hooks, Proxies, Refused};
use url::Url;

use super::transport::Http;
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
/// use sse_async_std::http::Method;
/// use sse_async_std::{Config, EventSource};
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
    request: Draft,
    config: Config,
    hooks: Hooks,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<futures_rustls::rustls::ClientConfig>>,
    /// The proxies to use; `None` for those of the environment.
    proxies: Option<Proxies>,
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
            #[cfg(feature = "rustls")]
            tls: None,
            proxies: None,
        }
    }

    sse_http::request_setters!();

    /// Sets the body, which is sent with every attempt.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Sets rustls's configuration: trusted certificates, and a certificate of the client. Its ALPN
    /// is replaced by HTTP/1.1.
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, config: Arc<futures_rustls::rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Sends every request through this HTTP proxy (with `CONNECT` for HTTPS), or with `None`
    /// through no proxy, whatever the environment names. A proxy of another kind (SOCKS, or HTTP
    /// over TLS) is an error when the source connects.
    pub fn proxy(mut self, url: Option<Url>) -> Self {
        self.proxies = Some(url.map(Proxies::all).unwrap_or_default());
        self
    }

    /// Calls `hook` before each request is sent, with the request and the number of failed attempts
    /// so far, for example to set a fresh token. The timeouts of the request start when the hook
    /// returns. An error of the hook counts as a failed attempt, and is retried by the policy.
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
        self.hooks.on_request(hook);
        self
    }

    /// Calls `hook` with every refused response and the beginning of its body, before the response
    /// is retried or closes the source; the verdict that the hook returns applies.
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
    /// If the URL or a header is malformed, or the certificates of the platform cannot be read.
    pub fn build(self) -> Result<EventSource, Error> {
        #[cfg(feature = "rustls")]
        let tls = match self.tls {
            None if self.request.url().is_none_or(|url| url.scheme() != "https") => None,
            tls => Some(super::tls::config(tls).map_err(Error::request)?),
        };
        let http = Http {
            proxies: self.proxies.unwrap_or_else(environment),
            connect_timeout: self.config.connect_timeout(),
            #[cfg(feature = "rustls")]
            tls,
            clock: Clock::default(),
            connecting: AtomicBool::new(false),
        };
        EventSource::with_client(self.request, self.config, self.hooks, http)
    }
}

fn environment() -> Proxies {
    if cfg!(feature = "system-proxy") { Proxies::from_env() } else { Proxies::default() }
}

/// Takes a request, whose URI has to be absolute.
impl<B: Into<Bytes>> From<Request<B>> for Builder {
    fn from(request: Request<B>) -> Self {
        Self::new(Draft::from_request(request))
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
