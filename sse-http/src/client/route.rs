//! Route of a request to its server: directly, or through a proxy.

use std::fmt;

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Uri};
use url::{Position, Url};

use super::{Proxies, ProxyError, TransportError, authorization};

/// How a request reaches its server; made by [`Proxies::route`].
///
/// # Example
///
/// ```
/// use sse_http::client::{Proxies, Route, Url};
///
/// let proxies = Proxies::all(Url::parse("http://proxy.example:3128")?);
/// let url = Url::parse("http://events.example/live")?;
/// let route = proxies.route(&url)?;
/// assert!(matches!(route, Route::Forward(_)));
///
/// let mut request = http::Request::get(url.as_str()).body(())?;
/// route.address(&mut request, &url)?;
/// assert_eq!(request.uri(), "http://events.example/live", "a proxy gets the whole URL");
/// assert_eq!(request.headers()["host"], "events.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// To the server itself.
    Direct,
    /// To this HTTP proxy, which gets the whole URL of a request of plain HTTP (RFC 9112, 3.2.2).
    Forward(&'a Url),
    /// Through a tunnel that this proxy opens: HTTPS, and everything through a proxy that is not
    /// plain HTTP itself (SOCKS, HTTP over TLS). [`Tunnel`](super::Tunnel) opens the tunnel of an
    /// HTTP proxy.
    Tunnel(&'a Url),
}

impl Proxies {
    /// The route of a request for this URL.
    ///
    /// # Errors
    ///
    /// If the environment does not name a usable proxy.
    pub fn route(&self, url: &Url) -> Result<Route<'_>, ProxyError> {
        Ok(match self.of(url).transpose()? {
            None => Route::Direct,
            Some(proxy) if (proxy.scheme(), url.scheme()) == ("http", "http") => Route::Forward(proxy),
            Some(proxy) => Route::Tunnel(proxy),
        })
    }
}

impl<'a> Route<'a> {
    /// The proxy on the route, to which the client connects.
    pub fn proxy(self) -> Option<&'a Url> {
        match self {
            Self::Direct => None,
            Self::Forward(proxy) | Self::Tunnel(proxy) => Some(proxy),
        }
    }

    /// Prepares a request for a client of HTTP/1.1 that writes the URI and the headers without
    /// changes: the URI becomes the request target (RFC 9112, 3.2: the whole URL for a proxy, the
    /// path and query otherwise), and the headers `Host` and `Proxy-Authorization` are added.
    ///
    /// # Errors
    ///
    /// If the URL cannot be written as a request target.
    pub fn address<B>(self, request: &mut Request<B>, url: &Url) -> Result<(), TransportError> {
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let path = &url[Position::BeforePath..Position::AfterQuery];
        let target = match self {
            Self::Forward(_) => format!("{}://{host}{path}", url.scheme()),
            Self::Direct | Self::Tunnel(_) => path.to_owned(),
        };
        let value = HeaderValue::from_str(host).map_err(http::Error::from)?;
        *request.uri_mut() = target.parse::<Uri>().map_err(http::Error::from)?;
        request.headers_mut().entry(HOST).or_insert(value);
        // The credentials for a tunnel are not for the server.
        if let Self::Forward(proxy) = self
            && let Some(value) = authorization(proxy)
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        Ok(())
    }
}

impl fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL of the proxy is left out, because it may have a password.
        f.write_str(match self {
            Self::Direct => "Direct",
            Self::Forward(_) => "Forward",
            Self::Tunnel(_) => "Tunnel",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn addressed(proxies: &Proxies, to: &str) -> Request<()> {
        let mut request = Request::get(to).body(()).unwrap();
        proxies.route(&url(to)).unwrap().address(&mut request, &url(to)).unwrap();
        request
    }

    #[test]
    fn only_plain_http_through_a_plain_proxy_is_forwarded() {
        for (proxy, to, forwarded) in [
            ("http://proxy", "http://x/", true),
            ("http://proxy", "https://x/", false),
            ("https://proxy", "http://x/", false),
            ("socks5h://proxy", "http://x/", false),
        ] {
            let (proxies, proxy) = (Proxies::all(url(proxy)), url(proxy));
            let route = proxies.route(&url(to)).unwrap();
            let expected = if forwarded { Route::Forward(&proxy) } else { Route::Tunnel(&proxy) };
            assert_eq!((route, route.proxy()), (expected, Some(&proxy)), "{to}");
        }
        assert_eq!(Proxies::default().route(&url("http://x/")), Ok(Route::Direct));
        let malformed = Proxies::read(|name| (name == "all_proxy").then(|| "ftp://x".into()));
        assert_eq!(malformed.route(&url("http://x/")), Err(ProxyError::Scheme));
    }

    /// RFC 9112, 3.2.1 and 3.2.2.
    #[test]
    fn a_forwarding_proxy_gets_the_whole_url_and_a_server_its_path() {
        let to = "http://me:myself@events.example:81/a?b#c";
        let proxies = Proxies::all(url("http://user:secret@proxy"));
        let request = addressed(&proxies, to);
        assert_eq!(request.uri(), "http://events.example:81/a?b");
        assert_eq!(request.headers()["host"], "events.example:81");
        assert_eq!(request.headers()["proxy-authorization"], "Basic dXNlcjpzZWNyZXQ=");
        assert!(request.headers()["proxy-authorization"].is_sensitive());
        for (proxies, to) in [(Proxies::default(), to), (proxies, "https://events.example:81/a?b#c")] {
            let request = addressed(&proxies, to);
            assert_eq!(request.uri(), "/a?b");
            assert_eq!(request.headers()["host"], "events.example:81");
            assert_eq!(request.headers().len(), 1, "no credentials of a proxy: {request:?}");
        }
    }

    #[test]
    fn a_host_header_of_the_user_is_kept() {
        let mut request = Request::get("http://a/").header("host", "b").body(()).unwrap();
        Route::Direct.address(&mut request, &url("http://a/")).unwrap();
        assert_eq!(request.headers()["host"], "b");
    }

    #[test]
    fn debug_omits_the_password_of_the_proxy() {
        let proxy = url("http://user:secret@proxy");
        assert_eq!(format!("{:?}", Route::Forward(&proxy)), "Forward");
    }
}
