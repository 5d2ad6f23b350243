//! Proxies that the environment names, and the hosts that are reached without one, read as curl
//! reads them.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Position, Url};

/// The proxies for a client, and the hosts that it connects to directly.
///
/// [`from_env`](Self::from_env) reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in
/// lower case first, then in capitals. `HTTP_PROXY` is ignored in a CGI program, where it holds a
/// header of the request.
///
/// The entries of `no_proxy` are separated by commas or blanks. Each is a name, which also matches
/// its subdomains (with or without a leading dot), an address, a network in CIDR notation
/// (`10.0.0.0/8`, `fd00::/8`), or `*` for every host, address or name. A name or an address with a
/// port (`localhost:8080`, `[::1]:8080`) matches that port alone.
///
/// [`Debug`](fmt::Debug) omits the credentials of the proxies.
///
/// ```
/// use sse_http::client::{Proxies, Url};
///
/// let proxies = Proxies::read(|name| match name {
///     "all_proxy" => Some("proxy.example:3128".into()),
///     "no_proxy" => Some("localhost, 127.0.0.0/8, .internal.example".into()),
///     _ => None,
/// });
/// let of = |url| proxies.of(&Url::parse(url).unwrap()).map(|proxy| proxy.unwrap().as_str());
/// assert_eq!(of("https://api.example/"), Some("http://proxy.example:3128/"));
/// assert_eq!(of("http://127.1.2.3:8080/"), None);
/// assert_eq!(of("http://db.internal.example/"), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    direct: NoProxy,
}

/// The URL of a proxy, or the error in it.
type Proxy = Result<Url, ProxyError>;

/// Why the value of a variable does not name a proxy. A request for such a proxy fails, and is not
/// sent without the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyError {
    /// The value is not a URL with a host.
    Url,
    /// The scheme is not one of proxies: `http`, `https`, `socks4`, `socks4a`, `socks5`, `socks5h`.
    Scheme,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "the URL of the proxy is malformed",
            Self::Scheme => "the scheme of the proxy is not `http`, `https`, `socks4(a)` or `socks5(h)`",
        })
    }
}

impl std::error::Error for ProxyError {}

impl Proxies {
    /// Reads the proxies from the environment.
    pub fn from_env() -> Self {
        // A value that is not UTF-8 is a malformed proxy, not an absent one.
        Self::read(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    /// Reads the proxies from variables that a function returns.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| set(name).or_else(|| set(&name.to_ascii_uppercase()));
        let http = if set("REQUEST_METHOD").is_some() { set("http_proxy") } else { either("http_proxy") };
        let all = either("all_proxy");
        Self {
            http: http.or_else(|| all.clone()).map(|value| parse(&value)),
            https: either("https_proxy").or(all).map(|value| parse(&value)),
            direct: NoProxy::parse(&either("no_proxy").unwrap_or_default()),
        }
    }

    /// Uses one proxy for every URL.
    pub fn all(proxy: Url) -> Self {
        Self { http: Some(Ok(proxy.clone())), https: Some(Ok(proxy)), direct: NoProxy::default() }
    }

    /// Whether there is no proxy, so that every host is reached directly.
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy for a URL; `None` if no proxy is set for its scheme, or if its host is reached
    /// directly.
    ///
    /// # Errors
    ///
    /// If the environment does not name a usable proxy.
    pub fn of(&self, url: &Url) -> Option<Result<&Url, ProxyError>> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let proxy = proxy.as_ref()?;
        if self.direct.matches(url) { None } else { Some(proxy.as_ref().map_err(|error| *error)) }
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = |proxy: &Option<Proxy>| {
            let url = proxy.as_ref()?.as_ref().map_err(|error| *error);
            Some(url.map(|url| {
                url[..Position::BeforeUsername].to_owned() + &url[Position::BeforeHost..Position::AfterPort]
            }))
        };
        f.debug_struct("Proxies")
            .field("http", &address(&self.http))
            .field("https", &address(&self.https))
            .field("direct", &self.direct)
            .finish()
    }
}

/// Parses the URL of a proxy; without a scheme it is `http`.
fn parse(value: &str) -> Proxy {
    let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    let url = url.map_err(|_| ProxyError::Url)?;
    match url.scheme() {
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" if url.has_host() => Ok(url),
        "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" => Err(ProxyError::Url),
        _ => Err(ProxyError::Scheme),
    }
}

/// The hosts that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NoProxy {
    all: bool,
    /// Networks and addresses, with the port of the entry if it names one.
    networks: Vec<(IpNet, Option<u16>)>,
    /// Host names in lower case, without leading or trailing dots, with the port of the entry.
    names: Vec<(String, Option<u16>)>,
}

impl NoProxy {
    fn parse(list: &str) -> Self {
        let mut no_proxy = Self::default();
        // A variable that comes from a file often ends with a line feed.
        let separator = |character: char| character == ',' || character.is_ascii_whitespace();
        for entry in list.split(separator).filter(|entry| !entry.is_empty()) {
            let (host, port) = split_port(entry);
            let bare = host.replace(['[', ']'], "");
            if entry == "*" {
                no_proxy.all = true;
            } else if let Ok(address) = bare.parse::<IpAddr>() {
                no_proxy.networks.push((address.into(), port));
            } else if let Ok(network) = bare.parse() {
                no_proxy.networks.push((network, port));
            } else {
                no_proxy.names.push((host.trim_matches('.').to_ascii_lowercase(), port));
            }
        }
        no_proxy.names.retain(|(name, _)| !name.is_empty());
        no_proxy
    }

    fn matches(&self, url: &Url) -> bool {
        let is_port = |port: Option<u16>| port.is_none() || port == url.port_or_known_default();
        let address = match url.host() {
            // Checked first, because it also covers addresses.
            _ if self.all => return true,
            None => return false,
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                return self.names.iter().any(|(suffix, port)| {
                    name.strip_suffix(suffix.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                        && is_port(*port)
                });
            }
        };
        self.networks.iter().any(|(network, port)| network.contains(&address) && is_port(*port))
    }
}

/// An entry without its port; an address of IPv6 has one only after brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Proxies::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        proxies(variables).of(&Url::parse(url).unwrap()).map(|proxy| proxy.unwrap().to_string())
    }

    fn is_direct(no_proxy: &str, url: &str) -> bool {
        of(&[("all_proxy", "a:1"), ("no_proxy", no_proxy)], url).is_none()
    }

    #[test]
    fn each_scheme_has_its_own_proxy_or_the_common_one() {
        let both = [("http_proxy", "a:1"), ("HTTPS_PROXY", "http://b:2")];
        assert_eq!(of(&both, "http://x/").as_deref(), Some("http://a:1/"));
        assert_eq!(of(&both, "https://x/").as_deref(), Some("http://b:2/"));
        assert_eq!(of(&[("all_proxy", "c:3")], "https://x/").as_deref(), Some("http://c:3/"));
        assert_eq!(of(&[("all_proxy", "socks5h://c:3")], "https://x/").as_deref(), Some("socks5h://c:3"));
        assert_eq!(of(&[], "http://x/"), None);
        assert_eq!(of(&[("http_proxy", "")], "http://x/"), None);
    }

    #[test]
    fn a_malformed_proxy_is_an_error_and_not_bypassed() {
        for proxy in [
            "http://",
            "a b",
            "a\u{fffd}:1",
            "ftp://a:1",
            "socks6://a:1",
            "junk://",
            "socks5://",
            "file:///a",
        ] {
            let proxies = proxies(&[("all_proxy", proxy), ("no_proxy", "direct.example")]);
            for (url, direct) in
                [("http://x/", false), ("https://x/", false), ("http://direct.example/", true)]
            {
                let of = proxies.of(&Url::parse(url).unwrap());
                assert_eq!(of.is_none(), direct, "{proxy} {url}");
                assert!(of.is_none_or(|proxy| proxy.is_err()), "{proxy} {url}");
            }
        }
    }

    #[test]
    fn debug_omits_the_credentials_of_proxies() {
        let proxies =
            proxies(&[("http_proxy", "someone:secret@a:1"), ("https_proxy", "socks5h://someone:secret@b:2")]);
        let text = format!("{proxies:?}");
        assert!(text.contains("http://a:1") && text.contains("socks5h://b:2"), "{text}");
        assert!(!text.contains("someone") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn a_cgi_program_ignores_the_header_proxy_of_its_client() {
        let cgi = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(of(&cgi, "http://x/"), None);
        assert!(of(&cgi[..1], "http://x/").is_some());
    }

    #[test]
    fn no_proxy_has_names_with_their_subdomains() {
        let list = "localhost, .example.com\tTwo.example. three.example\n";
        for url in [
            "http://localhost:8080/",
            "http://example.com/",
            "https://a.Example.com/",
            "http://a.b.example.com./",
            "http://two.example/",
            "http://x.three.example/",
        ] {
            assert!(is_direct(list, url), "{url}");
        }
        for url in ["http://notexample.com/", "http://example.com.org/", "http://127.0.0.1/"] {
            assert!(!is_direct(list, url), "{url}");
        }
    }

    #[test]
    fn no_proxy_has_addresses_and_networks() {
        let list = "127.0.0.0/8,192.168.1.1,::1,[::2],fd00::/8";
        for url in [
            "http://127.0.0.1/",
            "http://127.9.9.9:80/",
            "http://192.168.1.1/",
            "http://[::1]:8080/",
            "http://[::2]/",
            "http://[fdab::1]/",
        ] {
            assert!(is_direct(list, url), "{url}");
        }
        for url in ["http://128.0.0.1/", "http://192.168.1.2/", "http://[fe80::1]/", "http://x/"] {
            assert!(!is_direct(list, url), "{url}");
        }
        assert!(!is_direct("0.0.1", "http://127.0.0.1/"), "an address has no suffix");
        assert!(!is_direct("10.0.0.0/99", "http://10.0.0.1/"), "a malformed entry matches nothing");
    }

    #[test]
    fn an_entry_of_no_proxy_with_a_port_is_for_that_port_alone() {
        let list = "localhost:8080, .a.example:443,127.0.0.1:81,[::1]:82,[::2]/128,c.example:x";
        for url in [
            "http://localhost:8080/",
            "https://b.a.example/",
            "http://127.0.0.1:81/",
            "http://[::1]:82/",
            "http://[::2]:7/",
        ] {
            assert!(is_direct(list, url), "{url}");
        }
        for url in [
            "http://localhost/",
            "http://b.a.example/",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
            "http://c.example/",
        ] {
            assert!(!is_direct(list, url), "{url}");
        }
    }

    #[test]
    fn no_proxy_has_an_asterisk_for_every_host() {
        for url in ["http://x/", "http://127.0.0.1/", "https://[::1]/"] {
            assert!(is_direct("*", url), "{url}");
            assert!(is_direct("a, *", url), "{url}");
        }
        assert!(!is_direct("*.example", "http://a.example/"), "`*.example` is not a pattern");
    }
}
