//! The proxy that the environment names, and the tunnel through it.

use std::io;

use async_net::TcpStream;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http::{HeaderValue, StatusCode};
use proto::basic_authorization;
use url::{Host, Url};

use super::TransportError;

/// The head of a proxy's answer has to fit in this.
const HEAD: usize = 16 << 10;

/// An HTTP proxy, or one of another kind: what was to go through it does not go around it.
type Proxy = Result<Url, Unsupported>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unsupported;

fn usable(url: Url) -> Proxy {
    if url.scheme() == "http" { Ok(url) } else { Err(Unsupported) }
}

/// The proxies of the environment, as curl reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// The hosts that are asked directly.
    direct: Vec<String>,
}

impl Proxies {
    /// Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, of which the last three may be in capitals, and the
    /// first only outside of CGI, where a client sets `HTTP_PROXY` by a header.
    #[cfg(feature = "system-proxy")]
    pub(super) fn from_env() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }

    #[cfg(any(feature = "system-proxy", test))]
    fn from(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
        let proxy = |value: Option<String>| {
            let value = value.filter(|value| !value.is_empty())?;
            let url = if value.contains("://") { value } else { format!("http://{value}") };
            Some(Url::parse(&url).map_err(|_| Unsupported).and_then(usable))
        };
        let cgi = variable("REQUEST_METHOD").is_some();
        let http = if cgi { variable("http_proxy") } else { either("http_proxy") };
        let all = either("all_proxy");
        let direct = either("no_proxy").unwrap_or_default();
        let direct = direct
            .split(',')
            .map(|host| host.trim().trim_start_matches('.').trim_matches(['[', ']']).to_ascii_lowercase());
        Self {
            http: proxy(http.or_else(|| all.clone())),
            https: proxy(either("https_proxy").or(all)),
            direct: direct.filter(|host| !host.is_empty()).collect(),
        }
    }

    /// The same proxy for everything.
    pub(super) fn all(url: Url) -> Self {
        let proxy = Some(usable(url));
        Self { http: proxy.clone(), https: proxy, direct: Vec::new() }
    }

    /// The proxy for a URL, if there is one.
    ///
    /// # Errors
    ///
    /// There is one that is not of HTTP.
    pub(super) fn of(&self, url: &Url) -> Result<Option<&Url>, TransportError> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let host = url.host_str().unwrap_or_default();
        // Of IPv6 too the list has the bare address, as a rule.
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_direct = |suffix: &String| {
            suffix == "*"
                || host.strip_suffix(suffix.as_str()).is_some_and(|rest| {
                    rest.is_empty() || (rest.ends_with('.') && matches!(url.host(), Some(Host::Domain(_))))
                })
        };
        match proxy {
            Some(proxy) if !self.direct.iter().any(is_direct) => {
                proxy.as_ref().map(Some).map_err(|_| TransportError::ProxyScheme)
            }
            _ => Ok(None),
        }
    }
}

/// The value of `Authorization` for the user and the password of a URL.
pub(super) fn authorization(url: &Url) -> Option<HeaderValue> {
    let value = basic_authorization(url.username(), url.password())?;
    let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    Some(value)
}

/// Asks the proxy at the other end of `socket` for a connection to the host of `url` (RFC 9110, 9.3.6).
pub(super) async fn tunnel(socket: &mut TcpStream, proxy: &Url, url: &Url) -> Result<(), TransportError> {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(value) = authorization(proxy) {
        request.extend([b"Proxy-Authorization: ", value.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    socket.write_all(&request).await?;
    // Byte by byte, for what follows the head belongs to the tunnel.
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD || socket.read(&mut byte).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        head.push(byte[0]);
    }
    let status =
        head.split(|&byte| byte == b' ').nth(1).and_then(|status| StatusCode::from_bytes(status).ok());
    match status {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(TransportError::Proxy(status)),
        None => Err(io::Error::from(io::ErrorKind::InvalidData).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Proxies::from(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        proxies(variables).of(&Url::parse(url).unwrap()).unwrap().map(Url::to_string)
    }

    #[test]
    fn each_scheme_has_its_own_or_the_one_for_all() {
        let both = [("http_proxy", "a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(of(&both, "http://x/").as_deref(), Some("http://a:1/"));
        assert_eq!(of(&both, "https://x/").as_deref(), Some("http://b:2/"));
        assert_eq!(of(&[("all_proxy", "c:3")], "https://x/").as_deref(), Some("http://c:3/"));
        assert_eq!(of(&[], "http://x/"), None);
        assert_eq!(of(&[("http_proxy", "")], "http://x/"), None);
    }

    #[test]
    fn what_is_no_http_proxy_is_not_gone_around() {
        for proxy in ["socks5://a:1", "https://a:1", "http://", "a b"] {
            let proxies = proxies(&[("all_proxy", proxy), ("no_proxy", "direct.example")]);
            for url in ["http://x/", "https://x/"] {
                let of = proxies.of(&Url::parse(url).unwrap());
                assert!(matches!(of, Err(TransportError::ProxyScheme)), "{proxy}: {of:?}");
            }
            let direct = proxies.of(&Url::parse("http://direct.example/").unwrap());
            assert!(matches!(direct, Ok(None)), "{proxy}: {direct:?}");
        }
        let all = Proxies::all(Url::parse("https://a:1").unwrap());
        assert!(all.of(&Url::parse("http://x/").unwrap()).is_err());
    }

    #[test]
    fn a_cgi_script_does_not_believe_its_client() {
        let cgi = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(of(&cgi, "http://x/"), None);
        assert!(of(&cgi[..1], "http://x/").is_some());
    }

    #[test]
    fn some_hosts_are_asked_directly() {
        let variables = [("all_proxy", "a:1"), ("NO_PROXY", "localhost, .example.com,127.0.0.1,::1,[::2]")];
        for url in [
            "http://[::1]:8080/",
            "http://[::2]/",
            "http://localhost:8080/",
            "http://example.com/",
            "https://a.Example.com/",
            "http://127.0.0.1/",
        ] {
            assert_eq!(of(&variables, url), None, "{url}");
        }
        for url in ["http://notexample.com/", "http://example.com.org/", "http://1.127.0.0/"] {
            assert!(of(&variables, url).is_some(), "{url}");
        }
        assert_eq!(of(&[("all_proxy", "a:1"), ("no_proxy", "*")], "http://x/"), None);
        assert!(of(&[("all_proxy", "a:1"), ("no_proxy", "0.0.1")], "http://127.0.0.1/").is_some());
    }
}
