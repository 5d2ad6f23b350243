//! Redirects: the next URL, and which parts of the request are sent to it (9.2.1; Fetch,
//! "HTTP-redirect fetch").

use std::error::Error;
use std::fmt;

use url::Url;

/// Redirects that one request has followed.
///
/// **[`location`](Self::location) says whether a response redirects; [`follow`](Self::follow) says
/// how the next request differs.** A redirect applies to one request: a reconnection starts at the
/// first URL again. As in Fetch, loops are bounded by [`LIMIT`](Self::LIMIT) and URLs are not
/// compared: one URL may answer differently once a cookie is set.
///
/// # Example
///
/// ```
/// use sse_http::client::{Redirects, Url};
///
/// let from = Url::parse("https://a.example/")?;
/// let mut redirects = Redirects::default();
/// let to = Redirects::location(301, Some(b"//b.example/live"), &from)?.expect("a redirect");
/// assert_eq!(to.as_str(), "https://b.example/live");
/// let redirect = redirects.follow(301, "POST", &from, &to)?;
/// assert!(redirect.becomes_get);
/// assert!(redirect.keeps("Last-Event-ID", false));
/// assert!(!redirect.keeps("X-Api-Key", false), "a secret of the first origin");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redirects {
    count: usize,
}

/// How the next request differs from the redirected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Redirect {
    /// Whether the next request is a `GET` without a body.
    pub becomes_get: bool,
    /// Whether the next request goes to another origin.
    pub cross_origin: bool,
}

/// Why a redirect cannot be followed. Another attempt would meet the same redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectError {
    /// `Location` is missing or empty.
    NoLocation,
    /// `Location` is not a URL, or its scheme is neither `http` nor `https`.
    Location,
    /// The request was redirected more than [`Redirects::LIMIT`] times.
    TooMany,
    /// The redirect requires the body again, but the body is a stream.
    Body,
}

impl Redirects {
    /// How many redirects of one request are followed.
    pub const LIMIT: usize = 20;

    /// The URL to which a response with this status redirects; `None` if the status is not a
    /// redirect.
    ///
    /// `location` is the value of the header, a URL reference that is resolved against `from`. If
    /// it is not UTF-8, its bytes that are not ASCII are percent-encoded, as in browsers.
    ///
    /// # Errors
    ///
    /// If `location` is missing, empty, or not an HTTP URL.
    pub fn location(status: u16, location: Option<&[u8]>, from: &Url) -> Result<Option<Url>, RedirectError> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let location = location.filter(|location| !location.is_empty()).ok_or(RedirectError::NoLocation)?;
        let to = match str::from_utf8(location) {
            Ok(location) => from.join(location),
            Err(_) => from.join(&percent_encoded(location)),
        };
        let to = to.map_err(|_| RedirectError::Location)?;
        if !matches!(to.scheme(), "http" | "https") {
            return Err(RedirectError::Location);
        }
        Ok(Some(to))
    }

    /// Follows a redirect with this status, of a request with this method.
    ///
    /// # Errors
    ///
    /// If it is the 21st redirect of the request.
    pub fn follow(
        &mut self,
        status: u16,
        method: &str,
        from: &Url,
        to: &Url,
    ) -> Result<Redirect, RedirectError> {
        self.count += 1;
        if self.count > Self::LIMIT {
            return Err(RedirectError::TooMany);
        }
        let becomes_get = match status {
            301 | 302 => method == "POST",
            303 => !matches!(method, "GET" | "HEAD"),
            _ => false,
        };
        Ok(Redirect { becomes_get, cross_origin: from.origin() != to.origin() })
    }
}

/// A text with each byte that is not ASCII percent-encoded.
fn percent_encoded(text: &[u8]) -> String {
    text.iter()
        .map(|&byte| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

impl Redirect {
    /// Whether a header of the request is sent with the next request too; `forward` means that the
    /// user allows it for other origins.
    ///
    /// A request that becomes a `GET` loses the headers of its body. Another origin gets only the
    /// headers that the protocol itself sends and those that describe the body: a deny list of
    /// known credentials (`Authorization`, `Cookie`) would let an `X-Api-Key` through.
    pub fn keeps(&self, header: &str, forward: bool) -> bool {
        let is = |name: &&str| header.eq_ignore_ascii_case(name);
        if BODY.iter().any(&is) {
            return !self.becomes_get;
        }
        !self.cross_origin || forward || PROTOCOL.iter().any(is)
    }
}

const BODY: [&str; 6] = [
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "transfer-encoding",
];
const PROTOCOL: [&str; 5] = ["accept", "accept-encoding", "cache-control", "last-event-id", "user-agent"];

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLocation => "the `Location` header is missing or empty",
            Self::Location => "the `Location` header is not an HTTP URL",
            Self::TooMany => "more than 20 redirects in a row",
            Self::Body => "the body would have to be sent again, but is a stream",
        })
    }
}

impl Error for RedirectError {}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://a.example/1";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn follow(status: u16, method: &str, to: &str) -> Redirect {
        Redirects::default().follow(status, method, &url(A), &url(to)).unwrap()
    }

    fn location(status: u16, location: Option<&[u8]>) -> Result<Option<String>, RedirectError> {
        Redirects::location(status, location, &url(A)).map(|to| to.map(String::from))
    }

    // 9.2.1: event stream requests can be redirected.
    #[test]
    fn the_method_changes_as_fetch_says() {
        for (status, method, becomes_get) in [
            (301, "POST", true),
            (302, "POST", true),
            (303, "POST", true),
            (303, "PUT", true),
            (301, "PUT", false),
            (307, "POST", false),
            (308, "POST", false),
            (303, "GET", false),
            (302, "GET", false),
        ] {
            let redirect = follow(status, method, "https://a.example/2");
            assert_eq!(redirect, Redirect { becomes_get, cross_origin: false }, "{status} {method}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (to, cross_origin) in [
            ("https://a.example/2", false),
            ("https://a.example:443?x", false),
            ("https://user:p@a.example/2", false),
            ("https://a.example:8443/", true),
            ("http://a.example/2", true),
            ("https://b.example/2", true),
            ("https://a.example@b.example/", true),
            ("https://a.example.b.example/", true),
        ] {
            assert_eq!(follow(307, "GET", to).cross_origin, cross_origin, "{to}");
        }
    }

    #[test]
    fn only_named_headers_cross_an_origin() {
        let away = Redirect { becomes_get: false, cross_origin: true };
        for header in ["Authorization", "cookie", "X-Api-Key", "content-disposition"] {
            assert!(!away.keeps(header, false), "{header}");
            assert!(away.keeps(header, true), "{header}");
        }
        for header in ["Accept", "cache-control", "Last-Event-ID", "Content-Type", "User-Agent"] {
            assert!(away.keeps(header, false), "{header}");
        }
        let get = Redirect { becomes_get: true, cross_origin: false };
        assert!(get.keeps("Authorization", false));
        assert!(!get.keeps("Content-Type", true));
    }

    #[test]
    fn redirects_are_counted_and_urls_are_not_compared() {
        let (a, b) = (url(A), url("https://a.example/2"));
        let mut redirects = Redirects::default();
        for n in 0..Redirects::LIMIT {
            let (from, to) = if n % 2 == 0 { (&a, &a) } else { (&a, &b) };
            assert!(redirects.follow(302, "GET", from, to).is_ok());
        }
        assert_eq!(redirects.follow(302, "GET", &a, &b), Err(RedirectError::TooMany));
    }

    #[test]
    fn a_location_is_resolved_and_has_to_be_an_http_url() {
        assert_eq!(location(200, Some(b"/x")), Ok(None));
        assert_eq!(location(304, None), Ok(None));
        assert_eq!(location(308, Some(b"/x")), Ok(Some("https://a.example/x".into())));
        assert_eq!(location(308, Some(b"?x")), Ok(Some("https://a.example/1?x".into())));
        assert_eq!(location(301, None), Err(RedirectError::NoLocation));
        assert_eq!(location(301, Some(b"")), Err(RedirectError::NoLocation));
        assert_eq!(location(308, Some(b"/caf\xe9?\xff")), Ok(Some("https://a.example/caf%E9?%FF".into())));
        assert_eq!(location(308, Some("/é".as_bytes())), Ok(Some("https://a.example/%C3%A9".into())));
        for to in [&b"ftp://a.example/"[..], b"http://", b"mailto:a@a.example", b"http://\xff/"] {
            assert_eq!(location(301, Some(to)), Err(RedirectError::Location), "{to:?}");
        }
    }
}
