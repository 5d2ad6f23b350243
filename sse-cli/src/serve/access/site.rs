//! Host names under which the server is reached, and origins whose pages may use it.

use std::net::IpAddr;

use http::header::{self, HeaderName};
use http::{HeaderMap, Uri};

use super::super::listen::connection::Via;
use super::super::refusal::Refusal;
use super::AccessArguments;

/// The names and origins that the server accepts.
#[derive(Debug)]
pub(super) struct Site {
    /// Host names under which the server is reached, besides the loopback names.
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) credentials: bool,
    /// Whether the server itself uses TLS.
    pub(super) secure: bool,
}

/// The page that sent a request; an extension of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// A page of this server, or of a server behind the same proxy and name.
    Own,
    /// A page of an origin that `--cors-origin` names, or allows with `*`.
    Listed { origin: String, by_name: bool },
    /// There is no `Origin`: the request comes from a program, from a page's GET to its own server,
    /// or from the address bar.
    Unknown,
}

impl Page {
    /// Whether a cookie counts; browsers also send cookies with requests that a page of another
    /// site causes.
    ///
    /// Browsers send no `Origin` with a GET to the page's own server, such as `EventSource` makes;
    /// `Sec-Fetch-Site`, which no script can set, shows where the request comes from.
    pub(super) fn vouches_for_cookies(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Own => true,
            Self::Listed { by_name, .. } => *by_name,
            Self::Unknown => {
                let mut sites = headers.get_all("sec-fetch-site").iter();
                sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none()
            }
        }
    }
}

impl Site {
    pub(super) fn new(arguments: &AccessArguments, secure: bool) -> Self {
        Self {
            hosts: arguments.host.clone(),
            origins: arguments.cors_origin.clone(),
            credentials: arguments.cors_credentials,
            secure,
        }
    }

    /// Checks the host name of a request, and the page that sent it.
    ///
    /// Browsers send the page's origin with every request except plain navigation and GETs to the
    /// page's own server. A foreign origin is refused completely: CORS alone prevents a page from
    /// reading the answer, but not from publishing.
    pub(super) fn check(&self, headers: &HeaderMap, uri: &Uri, via: Via) -> Result<Page, Refusal> {
        // If there are two headers, an intermediary may have used the other one (RFC 9112, 3.2).
        let several = |name: HeaderName| headers.get_all(name).iter().nth(1).is_some();
        if several(header::HOST) || several(header::ORIGIN) {
            return Err(Refusal::bad_request("there is more than one Host or Origin: send one"));
        }
        let host = host_of(headers, uri);
        if !self.host_allowed(host, via) {
            return Err(Refusal::host(host));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(Page::Unknown) };
        let origin = origin.to_str().unwrap_or_default();
        if self.is_own(origin, host) {
            return Ok(Page::Own);
        }
        let listed = self.origins.iter().any(|known| known == origin);
        if listed || self.origins.iter().any(|known| known == "*") {
            // Any page can send `null`, from a sandboxed frame.
            let by_name = listed && origin != "null";
            return Ok(Page::Listed { origin: origin.to_owned(), by_name });
        }
        Err(Refusal::origin(origin))
    }

    /// Whether the server accepts this host name. This prevents DNS rebinding: if evil.example now
    /// resolves to 127.0.0.1, the browser treats its page as one of this server, and only the host
    /// name of its requests shows the difference.
    fn host_allowed(&self, host: &str, via: Via) -> bool {
        if !via.loopback && self.hosts.is_empty() {
            return true;
        }
        is_loopback_name(host) || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(name_of(host)))
    }

    /// Whether an origin is the origin of the server's own pages: http or https, with the host of
    /// the request. Behind a proxy that ends TLS, the page may be https although the request is
    /// not; a server that uses TLS itself has only https pages.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let own = |scheme: &str, port: &str| {
            let named = origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
            let bare =
                |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
            !host.is_empty() && named.is_some_and(|named| bare(named) == bare(host))
        };
        own("https", ":443") || (!self.secure && own("http", ":80"))
    }
}

/// The host of a request, with its port if it has one; HTTP/2 has it in the URI.
pub(super) fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
    }
}

/// Whether a host is `localhost` or a loopback address, with any port.
pub(super) fn is_loopback_name(host: &str) -> bool {
    let name = name_of(host);
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A host without its port and without the brackets of IPv6.
fn name_of(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const LOCAL: Via = Via { loopback: true };
    const PUBLIC: Via = Via { loopback: false };

    fn site(hosts: &[&str], origins: &[&str]) -> Site {
        Site {
            hosts: hosts.iter().map(|host| host.to_string()).collect(),
            origins: origins.iter().map(|origin| origin.to_string()).collect(),
            credentials: false,
            secure: false,
        }
    }

    fn check(site: &Site, via: Via, host: &str, origin: Option<&str>) -> Result<Page, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        site.check(&headers, &"/".parse().unwrap(), via).map_err(|refusal| refusal.status())
    }

    #[test]
    fn on_loopback_only_local_names_are_served() {
        let site = site(&["dev.test"], &[]);
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::1]",
            "dev.test:1",
        ] {
            assert_eq!(check(&site, LOCAL, host, None), Ok(Page::Unknown), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "",
            "127.0.0.1.evil.example:80",
            "[::2]:80",
            "[::1].evil.example",
            "[::1]@evil.example:80",
            "localhost:evil.example",
            "0.0.0.0:80",
        ] {
            assert_eq!(check(&site, LOCAL, host, None), Err(StatusCode::FORBIDDEN), "{host}");
        }
        let authority: Uri = "http://evil.example/".parse().unwrap();
        assert!(site.check(&HeaderMap::new(), &authority, LOCAL).is_err(), "HTTP/2 has it in the URI");
    }

    #[test]
    fn a_foreign_page_is_refused_unless_listed() {
        let listed = site(&[], &["https://good.example"]);
        let host = "api.example:8080";
        let page = |origin: &str, by_name: bool| Ok(Page::Listed { origin: origin.to_owned(), by_name });
        assert_eq!(check(&listed, PUBLIC, host, Some("http://api.example:8080")), Ok(Page::Own));
        assert_eq!(
            check(&listed, PUBLIC, host, Some("https://good.example")),
            page("https://good.example", true)
        );
        for origin in [
            "https://evil.example",
            "null",
            "",
            "https://good.example.evil",
            "https://api.example",
            "ftp://api.example:8080",
        ] {
            assert_eq!(check(&listed, PUBLIC, host, Some(origin)), Err(StatusCode::FORBIDDEN), "{origin}");
        }
        assert_eq!(check(&site(&[], &["*"]), PUBLIC, host, Some("null")), page("null", false));
        assert_eq!(check(&site(&[], &["null"]), PUBLIC, host, Some("null")), page("null", false));
    }

    #[test]
    fn an_origin_behind_a_proxy_that_ends_tls_is_the_servers_own() {
        let mut site = site(&[], &[]);
        for (host, origin) in [
            ("app.example", "https://app.example"),
            ("app.example:443", "https://app.example"),
            ("app.example", "https://app.example:443"),
            ("app.example:80", "http://app.example"),
            ("APP.example:8080", "https://app.example:8080"),
        ] {
            assert_eq!(check(&site, PUBLIC, host, Some(origin)), Ok(Page::Own), "{host} {origin}");
        }
        for (host, origin) in [
            ("app.example", "https://app.example:8443"),
            ("app.example", "https://evil.example"),
            ("app.example:80", "https://app.example:443.evil.example"),
            ("", "https://"),
        ] {
            assert_eq!(
                check(&site, PUBLIC, host, Some(origin)),
                Err(StatusCode::FORBIDDEN),
                "{host} {origin}"
            );
        }
        site.secure = true;
        assert!(check(&site, PUBLIC, "app.example", Some("http://app.example")).is_err());
    }

    #[test]
    fn a_cookie_counts_from_own_and_named_pages_only() {
        let counts = |page: &Page, sites: &[&str]| {
            let mut headers = HeaderMap::new();
            for site in sites {
                headers.append("sec-fetch-site", site.parse().unwrap());
            }
            page.vouches_for_cookies(&headers)
        };
        let listed = |by_name| Page::Listed { origin: "https://a.example".into(), by_name };
        assert!(counts(&Page::Own, &[]) && counts(&listed(true), &["cross-site"]));
        assert!(!counts(&listed(false), &["same-origin"]), "`*` names nobody");
        assert!(counts(&Page::Unknown, &["same-origin"]));
        for sites in [&[][..], &["none"], &["same-site"], &["cross-site"], &["same-origin", "cross-site"]] {
            assert!(!counts(&Page::Unknown, sites), "{sites:?}");
        }
    }
}
