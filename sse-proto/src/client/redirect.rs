//! Where a redirect leads, and what may go along: the Fetch standard's HTTP-redirect fetch, with headers kept at home.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The redirects that one request followed. The adapter resolves URLs and copies requests; what is decided is decided here.
///
/// **For every response ask for its [`location`](Self::location); resolve it against the URL of the request, and
/// [`follow`](Self::follow) it.** A redirect is followed for one request only: a reconnection begins at the first URL again.
///
/// # Example
///
/// ```
/// use sse_proto::Redirects;
///
/// let mut redirects = Redirects::default();
/// let location = Redirects::location(301, Some(b"//b.example/live"))?;
/// assert_eq!(location, Some("//b.example/live"));
/// let redirect = redirects.follow(301, "POST", "https://a.example/", "https://b.example/live")?;
/// assert!(redirect.becomes_get);
/// assert!(redirect.keeps("Last-Event-ID", false));
/// assert!(!redirect.keeps("X-Api-Key", false), "a secret of the first origin");
/// # Ok::<(), sse_proto::RedirectError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redirects {
    count: usize,
    /// The URLs that were asked with the method of now.
    visited: Vec<String>,
}

/// What becomes of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Redirect {
    /// It becomes a `GET`, and loses its body.
    pub becomes_get: bool,
    /// It goes to another origin.
    pub cross_origin: bool,
}

/// Why a redirect cannot be followed. No other attempt would fare better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectError {
    /// `Location` is missing or empty.
    NoLocation,
    /// `Location` is not a URL, or not one of HTTP.
    Location,
    /// It leads back to where it came from.
    Loop,
    /// It goes on and on: more than [`Redirects::LIMIT`].
    TooMany,
    /// The body would have to be sent again, and is a stream.
    Body,
}

impl Redirects {
    /// How many redirects of one request are followed.
    pub const LIMIT: usize = 20;

    /// Where a response redirects to: a URL reference, relative as a rule. `None` if its status is not that of a redirect.
    ///
    /// # Errors
    ///
    /// `location`, the value of the header, is missing, empty, or no text.
    pub fn location(status: u16, location: Option<&[u8]>) -> Result<Option<&str>, RedirectError> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        match core::str::from_utf8(location.unwrap_or_default()) {
            Ok("") => Err(RedirectError::NoLocation),
            Ok(location) => Ok(Some(location)),
            Err(_) => Err(RedirectError::Location),
        }
    }

    /// Follows a redirect of a request of this method, from its URL to another, both absolute.
    ///
    /// # Errors
    ///
    /// `to` is no URL of HTTP, or leads nowhere.
    pub fn follow(
        &mut self,
        status: u16,
        method: &str,
        from: &str,
        to: &str,
    ) -> Result<Redirect, RedirectError> {
        let there = origin(to).ok_or(RedirectError::Location)?;
        let becomes_get = match status {
            301 | 302 => method == "POST",
            303 => !matches!(method, "GET" | "HEAD"),
            _ => false,
        };
        self.count += 1;
        if becomes_get {
            // The answer to a POST may well be found where it was posted to.
            self.visited.clear();
        } else {
            self.visited.push(from.into());
        }
        if self.visited.iter().any(|url| url == to) {
            return Err(RedirectError::Loop);
        }
        if self.count > Self::LIMIT {
            return Err(RedirectError::TooMany);
        }
        Ok(Redirect { becomes_get, cross_origin: origin(from) != Some(there) })
    }
}

impl Redirect {
    /// Whether a header of the request goes along; `forward` says that its owner lets it go to other origins.
    ///
    /// A request that becomes a `GET` loses the headers of its body. To another origin go only those which the protocol
    /// itself sends, and which say what the body is: a deny list of known credentials (`Authorization`, `Cookie`) would
    /// let an `X-Api-Key` through.
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
const PROTOCOL: [&str; 3] = ["accept", "cache-control", "last-event-id"];

/// Scheme, host and port of a URL of HTTP. URLs come from a parser, which has lowered their case.
fn origin(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.strip_suffix(default_port).unwrap_or(host);
    (!host.is_empty()).then_some((scheme, host))
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLocation => "the `Location` header is missing or empty",
            Self::Location => "the `Location` header is not a URL of HTTP",
            Self::Loop => "it leads back to where it came from",
            Self::TooMany => "more than 20 redirects in a row",
            Self::Body => "the body would have to be sent again, but is a stream",
        })
    }
}

impl core::error::Error for RedirectError {}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "https://a.example/1";

    fn follow(status: u16, method: &str, to: &str) -> Result<Redirect, RedirectError> {
        Redirects::default().follow(status, method, A, to)
    }

    #[test]
    fn the_method_changes_as_fetch_has_it() {
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
            let redirect = follow(status, method, "https://a.example/2").unwrap();
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
            assert_eq!(follow(307, "GET", to).unwrap().cross_origin, cross_origin, "{to}");
        }
    }

    #[test]
    fn only_named_headers_cross_an_origin() {
        let away = Redirect { becomes_get: false, cross_origin: true };
        for header in ["Authorization", "cookie", "X-Api-Key", "content-disposition"] {
            assert!(!away.keeps(header, false), "{header}");
            assert!(away.keeps(header, true), "{header}");
        }
        for header in ["Accept", "cache-control", "Last-Event-ID", "Content-Type"] {
            assert!(away.keeps(header, false), "{header}");
        }
        let get = Redirect { becomes_get: true, cross_origin: false };
        assert!(get.keeps("Authorization", false));
        assert!(!get.keeps("Content-Type", true));
    }

    #[test]
    fn loops_and_chains_end() {
        let mut redirects = Redirects::default();
        assert!(redirects.follow(302, "GET", A, "https://a.example/2").is_ok());
        assert_eq!(redirects.follow(302, "GET", "https://a.example/2", A), Err(RedirectError::Loop));
        assert_eq!(follow(302, "GET", A), Err(RedirectError::Loop));

        let url = |n: usize| std::format!("https://a.example/{n}");
        let mut redirects = Redirects::default();
        for n in 0..Redirects::LIMIT {
            assert!(redirects.follow(307, "POST", &url(n), &url(n + 1)).is_ok());
        }
        assert_eq!(redirects.follow(307, "POST", &url(20), &url(21)), Err(RedirectError::TooMany));
    }

    #[test]
    fn a_post_may_lead_to_itself_as_a_get_but_once() {
        let mut redirects = Redirects::default();
        assert!(redirects.follow(303, "POST", A, A).is_ok());
        assert_eq!(redirects.follow(303, "GET", A, A), Err(RedirectError::Loop));
    }

    #[test]
    fn a_location_is_a_text_and_a_url_of_http() {
        assert_eq!(Redirects::location(200, Some(b"/x")), Ok(None));
        assert_eq!(Redirects::location(304, None), Ok(None));
        assert_eq!(Redirects::location(308, Some(b"/x")), Ok(Some("/x")));
        assert_eq!(Redirects::location(301, None), Err(RedirectError::NoLocation));
        assert_eq!(Redirects::location(301, Some(b"")), Err(RedirectError::NoLocation));
        assert_eq!(Redirects::location(301, Some(b"\xff")), Err(RedirectError::Location));
        for to in ["ftp://a.example/", "https://", "mailto:a@a.example", "/relative"] {
            assert_eq!(follow(301, "GET", to), Err(RedirectError::Location), "{to}");
        }
    }
}
