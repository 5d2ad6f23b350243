//! Everything about a client that is not said by its URL.

use std::error::Error as StdError;
use std::fmt;

use proto::{Config, Repeat, Verdict};
use ureq::http::header::{ACCEPT, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use ureq::http::{self, Method, Request};
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use url::Url;

use super::{Head, Http, TransportError};
use crate::EventSource;

pub(super) type RequestHook =
    Box<dyn FnMut(Request<Option<Vec<u8>>>, u32) -> Result<Request<Option<Vec<u8>>>, BoxError> + Send>;
pub(super) type ResponseHook = Box<dyn FnMut(&Head, Verdict) -> Verdict + Send>;
type BoxError = Box<dyn StdError + Send + Sync>;

impl EventSource<Http> {
    /// A source of the events at `url`.
    ///
    /// # Errors
    ///
    /// The URL is malformed.
    pub fn get(url: impl AsRef<str>) -> Result<Self, TransportError> {
        Self::builder(url).build()
    }

    /// Begins to build a source of the events at `url`.
    pub fn builder(url: impl AsRef<str>) -> Builder {
        Builder::new(url.as_ref())
    }
}

/// Builds an [`EventSource`] over ureq: its request, the protocol's [`Config`], and hooks.
///
/// `Accept: text/event-stream` and `Cache-Control: no-cache` are sent unless set otherwise.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_blocking::client::ureq::http::Method;
/// use sse_blocking::{Config, EventSource, Liveness};
///
/// # fn example(key: &str) -> Result<(), Box<dyn std::error::Error>> {
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
    http: Result<Http, TransportError>,
    config: Config,
}

impl Builder {
    fn new(url: &str) -> Self {
        let http = Url::parse(url).map_err(TransportError::Url).map(|url| Http {
            agent: agent(),
            url,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: None,
            forward: Vec::new(),
            id_parameter: None,
            on_request: None,
            on_response: None,
        });
        Self { http, config: Config::default() }
    }

    fn with(mut self, set: impl FnOnce(&mut Http)) -> Self {
        if let Ok(http) = &mut self.http {
            set(http);
        }
        self
    }

    /// Sets the method; `GET` unless set.
    ///
    /// Where [`Config::repeat`] says nothing, a request whose method is not idempotent (`POST`, `PATCH`) is sent once and
    /// never again: the end of its response is the end of the source.
    pub fn method(self, method: Method) -> Self {
        self.with(|http| http.method = method)
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
        self.http = self.http.and_then(|mut http| {
            let (name, value) = header.map_err(TransportError::Header)?;
            http.headers.append(name, value);
            Ok(http)
        });
        self
    }

    /// Adds headers, in the place of those of the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|http| http.headers.extend(headers))
    }

    /// Sets the body, which is sent with every attempt.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.with(|http| http.body = Some(body.into()))
    }

    /// Sets how the protocol is run: reconnection, what is believed, liveness, limits, the first last event ID.
    ///
    /// [`Config::connect_timeout`] holds for each step to a response (name, connection, request, head), and for
    /// all redirects together.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets what ureq is told: TLS, proxy, user agent, addresses. What the features of this crate say of TLS is not in a
    /// configuration of your own. Its total timeouts (`timeout_global`, `timeout_per_call`,
    /// `timeout_recv_body`) end every stream after that time, a healthy one too. Redirects are followed by us.
    ///
    /// Two things cannot be told to ureq. If another crate turns on its feature `gzip`, `brotli` or `charset`, it decodes what a
    /// server sends so unasked. And a body without a length, neither chunked, ends for it also where the connection was
    /// reset or TLS broken off, so that a cut stream looks complete.
    pub fn agent(self, config: ureq::config::Config) -> Self {
        self.with(|http| http.agent = config)
    }

    /// Lets a header of this request follow a redirect to another origin. Unless named here, none does.
    pub fn forward_header(self, name: HeaderName) -> Self {
        self.with(|http| http.forward.push(name))
    }

    /// Sends the last event ID in this query parameter as well: for servers that look for it there, and for IDs that a
    /// header cannot carry. It takes the place of a parameter of that name in the URL.
    pub fn last_event_id_parameter(self, name: impl Into<String>) -> Self {
        self.with(|http| http.id_parameter = Some(name.into()))
    }

    /// Calls `hook` with every request before it is sent, and the number of attempts that came to nothing before it: for a
    /// fresh token, say. An error counts as a failed attempt, and is retried as the policy wants it.
    pub fn on_request(
        self,
        hook: impl FnMut(
            Request<Option<Vec<u8>>>,
            u32,
        ) -> Result<Request<Option<Vec<u8>>>, Box<dyn StdError + Send + Sync>>
        + Send
        + 'static,
    ) -> Self {
        self.with(|http| http.on_request = Some(Box::new(hook)))
    }

    /// Calls `hook` with the head of every response, and the verdict on it; what it returns is done.
    pub fn on_response(self, hook: impl FnMut(&Head, Verdict) -> Verdict + Send + 'static) -> Self {
        self.with(|http| http.on_response = Some(Box::new(hook)))
    }

    /// Builds the source. It connects when it is first asked for an event.
    ///
    /// # Errors
    ///
    /// The URL or a header is malformed.
    pub fn build(self) -> Result<EventSource<Http>, TransportError> {
        let (mut http, mut config) = (self.http?, self.config);
        if !matches!(http.url.scheme(), "http" | "https") {
            return Err(TransportError::Scheme(http.url.scheme().into()));
        }
        if config.repeat().is_none() {
            config =
                config.with_repeat(if http.method.is_idempotent() { Repeat::Always } else { Repeat::Never });
        }
        if let Some(id) = http.headers.remove("last-event-id") {
            config.resume_after(id.as_bytes());
        }
        http.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        http.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        Ok(EventSource::new(config, http))
    }
}

/// The usual settings. Under CGI `HTTP_PROXY` is a header of the request that is served, and no setting; ureq would believe it.
fn agent() -> ureq::config::Config {
    let config = ureq::config::Config::builder();
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let config = config.tls_config(tls());
    match std::env::var_os("REQUEST_METHOD") {
        Some(_) => config.proxy(None).build(),
        None => config.build(),
    }
}

/// What the features name. Unless it is told, ureq takes rustls and the roots of Mozilla, whatever its features.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn tls() -> TlsConfig {
    let native = cfg!(feature = "native-tls");
    let platform = native || cfg!(feature = "platform-verifier");
    TlsConfig::builder()
        .provider(if native { TlsProvider::NativeTls } else { TlsProvider::Rustls })
        .root_certs(if platform { RootCerts::PlatformVerifier } else { RootCerts::WebPki })
        .build()
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("http", &self.http).field("config", &self.config).finish()
    }
}

#[cfg(all(test, any(feature = "rustls", feature = "native-tls")))]
mod tests {
    use super::*;

    #[test]
    fn https_is_as_the_features_say() {
        let config = agent();
        let (provider, roots) = (config.tls_config().provider(), config.tls_config().root_certs());
        if cfg!(feature = "native-tls") {
            assert_eq!(provider, TlsProvider::NativeTls);
            assert!(matches!(roots, RootCerts::PlatformVerifier), "{roots:?}");
        } else {
            assert_eq!(provider, TlsProvider::Rustls);
            assert_eq!(matches!(roots, RootCerts::WebPki), !cfg!(feature = "platform-verifier"), "{roots:?}");
        }
    }
}
