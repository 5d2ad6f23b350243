//! Builder of a client: its request, settings and hooks.

use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use http::Request;
use proto::{Config, Epoch, Verdict};
use sse_http::client::{BlockingHooks, BlockingHttp, Draft, Proxies, Refused};
use ureq::config::AutoHeaderValue;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::ureq_client::UreqClient;
use super::{Error, EventSource, Head, Http};
use crate::Driver;

/// Builds an [`EventSource`] over ureq: its request, the protocol's [`Config`], and hooks.
///
/// Unless set otherwise, a request has `Accept: text/event-stream`, `Cache-Control: no-cache`,
/// `Accept-Encoding: identity` and `User-Agent: sse-http/<version>`; one with a body of more than
/// 64 KiB has `Expect: 100-continue`. Credentials in the URL are sent as `Authorization`. A
/// response with a content coding is refused, because nothing here decodes it.
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_blocking::http::Method;
/// use sse_blocking::{Config, EventSource};
///
/// # fn example(key: &str) -> Result<(), sse_blocking::Error> {
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
    agent: Option<ureq::config::Config>,
    hooks: BlockingHooks,
}

impl Builder {
    pub(super) fn get(url: &str) -> Self {
        Self::new(Draft::get(url))
    }

    fn new(request: Draft) -> Self {
        Self { request, config: Config::default(), agent: None, hooks: BlockingHooks::default() }
    }

    sse_http::request_setters!();

    /// Sets the body, which is sent with every attempt.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Sets ureq's configuration: TLS, proxy, user agent, addresses. This crate's TLS features do
    /// not apply to it, and a proxy in it replaces the proxies of the environment. Its total
    /// timeouts (`timeout_global`, `timeout_per_call`, `timeout_recv_body`) end every stream after
    /// that time, even a healthy one. The source follows redirects itself.
    ///
    /// ureq has no setting for one thing: if another crate turns on its feature `gzip`, `brotli` or
    /// `charset`, ureq decodes responses that a server sends in that coding.
    pub fn agent(mut self, config: ureq::config::Config) -> Self {
        self.agent = Some(config);
        self
    }

    /// Calls `hook` before each request is sent, with the request and the number of failed attempts
    /// so far, for example to set a fresh token. The timeouts of the request start when the hook
    /// returns. An error of the hook counts as a failed attempt, and is retried by the policy.
    pub fn on_request(
        mut self,
        hook: impl FnMut(Request<Bytes>, u32) -> Result<Request<Bytes>, Box<dyn StdError + Send + Sync>>
        + Send
        + 'static,
    ) -> Self {
        self.hooks.on_request(hook);
        self
    }

    /// Calls `hook` with every refused response and the beginning of its body, before the response
    /// is retried or closes the source; the verdict that the hook returns applies.
    pub fn on_refused(mut self, hook: impl FnMut(Refused) -> Verdict + Send + 'static) -> Self {
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

    /// Builds the source. It connects at the first call for an event.
    ///
    /// # Errors
    ///
    /// If the URL or a header is malformed.
    pub fn build(self) -> Result<EventSource, Error> {
        let mut config = self.config;
        let agent = self.agent.unwrap_or_else(agent);
        let request = match agent.user_agent() {
            AutoHeaderValue::Default => self.request,
            _ => self.request.no_user_agent(),
        };
        let template = request.finish(&mut config).map_err(Error::request)?;
        let url = template.url().clone();
        let client = UreqClient {
            connect_timeout: config.connect_timeout(),
            proxies: agent.proxy().is_none_or(ureq::Proxy::is_from_env).then(Proxies::from_env),
            agent,
            clock: Epoch::default(),
        };
        // ureq waits for `100 Continue`.
        let http = BlockingHttp::new(template, config.clone(), self.hooks).expect_continue();
        let http = Http { http, client };
        // The time for the head is kept by the transport, which knows when the request is sent.
        Ok(EventSource { driver: Driver::new(config.with_head_timeout(None), http), url })
    }
}

/// Takes a request, whose URI has to be absolute.
impl<B: Into<Bytes>> From<Request<B>> for Builder {
    fn from(request: Request<B>) -> Self {
        Self::new(Draft::from_request(request))
    }
}

/// The default settings of ureq's agent.
fn agent() -> ureq::config::Config {
    // As much as fits into the buffer of ureq: other clients read such heads too.
    let config = ureq::config::Config::builder().max_response_header_size(120 << 10);
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let config = config.tls_config(tls());
    config.build()
}

/// TLS settings for the enabled features. Without them, ureq uses rustls and Mozilla's roots,
/// whichever of its features are enabled.
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
        // The request is left out, because its headers and query contain secrets.
        f.debug_struct("Builder").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(all(test, any(feature = "rustls", feature = "native-tls")))]
mod tests {
    use super::*;

    #[test]
    fn the_enabled_features_select_the_tls_provider() {
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
