//! One attempt to connect: its request, and the requests that follow its redirects.

use std::fmt;

use bytes::Bytes;
use http::header::{EXPECT, HeaderName, HeaderValue, LOCATION};
use http::{Method, Request, StatusCode, Uri, response};
use url::{Position, Url};

use super::template::{Template, take_credentials};
use super::{Head, RedirectError, Redirects, TransportError};

/// One attempt of a source to connect; made by [`Template::attempt`].
///
/// **Send [`request`](Self::request), pass the response to [`answer`](Self::answer), until it
/// returns the head.** A hook may [replace](Self::replace) the request before it is sent.
///
/// # Example
///
/// ```
/// use sse_http::client::{Draft, Head};
/// use sse_http::proto::{Config, EventSource, Instant, Output};
///
/// let mut config = Config::default();
/// let template = Draft::get("http://localhost/events").finish(&mut config)?;
/// let mut source = EventSource::new(config, 42);
/// let Output::Connect { request, .. } = source.poll(Instant::ZERO, &mut &[][..]) else { unreachable!() };
/// let mut attempt = template.attempt(&request)?;
///
/// # let mut responses = [(302, "/live"), (200, "")].into_iter();
/// # let mut send = |request: http::Request<bytes::Bytes>| {
/// #     let (status, location) = responses.next().unwrap();
/// #     http::Response::builder().status(status).header("location", location).body(()).unwrap()
/// # };
/// let head: Head = loop {
///     let (parts, _body) = send(attempt.request()?).into_parts();
///     if let Some(head) = attempt.answer(parts)? {
///         break head;
///     }
/// };
/// assert_eq!(head.url.as_str(), "http://localhost/live");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Attempt {
    url: Url,
    request: Request<Bytes>,
    redirects: Redirects,
    forward: Vec<HeaderName>,
    /// Whether the body is a stream, which can be sent only once.
    stream: bool,
    /// Whether a request with a large body waits for `100 Continue`.
    expects: bool,
}

impl Attempt {
    /// The size in bytes up to which a body is sent together with the head. A larger one is sent
    /// after a time in which the server may refuse the request by its head, or after an
    /// [expectation](Self::expect_continue).
    pub const LARGE: usize = 64 << 10;

    pub(super) fn new(template: &Template, asked: &proto::Request<'_>, stream: bool) -> Self {
        let (mut url, mut request) = (template.url.clone(), template.request.clone());
        // Visible ASCII, UTF-8 and tabs: the machine offers no other.
        if let Some(id) = asked.last_event_id
            && let Ok(id) = HeaderValue::from_bytes(id.as_bytes())
        {
            request.headers_mut().insert("last-event-id", id);
        }
        if let Some(parameter) = &template.id_parameter
            && let Some(query) = asked.query(parameter, url.query())
        {
            url.set_query(Some(&query));
        }
        let (redirects, forward) = (Redirects::default(), template.forward.clone());
        Self { url, request, redirects, forward, stream, expects: false }
    }

    /// The URL of the request, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A copy of the request to send next; its URI is absolute.
    ///
    /// # Errors
    ///
    /// If the URL cannot be written as a URI.
    pub fn request(&self) -> Result<Request<Bytes>, TransportError> {
        let uri = self.url[..Position::AfterQuery].parse::<Uri>();
        let mut request = self.request.clone();
        *request.uri_mut() = uri.map_err(|error| TransportError::Request(error.into()))?;
        if self.has_expectation() {
            request.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        Ok(request)
    }

    /// Replaces [`request`](Self::request) by a request that a hook made from it.
    ///
    /// # Errors
    ///
    /// If the new URI is not absolute.
    pub fn replace(&mut self, request: Request<Bytes>) -> Result<(), TransportError> {
        self.url = Url::parse(&request.uri().to_string())?;
        self.request = request;
        take_credentials(&mut self.url, self.request.headers_mut());
        Ok(())
    }

    /// From now on adds `Expect: 100-continue` to a request whose body is larger than
    /// [`LARGE`](Self::LARGE), unless the user set that header (RFC 9110, 10.1.1). To
    /// be called after the hook, and only for an HTTP client that then sends the body after the
    /// server's `100 Continue`.
    ///
    /// A server that refuses a large request early (401, 413) then answers before the body is sent,
    /// and its answer is not lost to a broken connection.
    pub fn expect_continue(&mut self) {
        self.expects = true;
    }

    /// Whether the next request has an expectation that the user did not set.
    fn has_expectation(&self) -> bool {
        self.expects
            && self.request.body().len() > Self::LARGE
            && !self.request.headers().contains_key(EXPECT)
    }

    /// Takes the response to the request. Returns its head; or `None` for a redirect, or for a
    /// server that cannot meet the expectation that was added (417): then
    /// [`request`](Self::request) returns the next request.
    ///
    /// A client that follows redirects itself puts the final [`Url`] into the extensions of the
    /// response.
    ///
    /// # Errors
    ///
    /// If the redirect cannot be followed.
    pub fn answer(&mut self, mut parts: response::Parts) -> Result<Option<Head>, RedirectError> {
        if parts.status == StatusCode::EXPECTATION_FAILED && self.has_expectation() {
            // The body was not sent (RFC 9110, 10.1.1).
            self.expects = false;
            return Ok(None);
        }
        if let Some(url) = parts.extensions.remove::<Url>() {
            return Ok(Some(Head::new(parts, url)));
        }
        let status = parts.status.as_u16();
        let location = parts.headers.get(LOCATION).map(HeaderValue::as_bytes);
        let Some(to) = Redirects::location(status, location, &self.url)? else {
            return Ok(Some(Head::new(parts, self.url.clone())));
        };
        let method = self.request.method().as_str();
        let redirect = self.redirects.follow(status, method, &self.url, &to)?;
        if redirect.becomes_get {
            *self.request.method_mut() = Method::GET;
            *self.request.body_mut() = Bytes::new();
            self.stream = false;
        } else if self.stream {
            return Err(RedirectError::Body);
        }
        let headers = self.request.headers_mut();
        let names: Vec<HeaderName> = headers.keys().cloned().collect();
        for name in names {
            if !redirect.keeps(name.as_str(), self.forward.contains(&name)) {
                headers.remove(name);
            }
        }
        self.url = to;
        take_credentials(&mut self.url, headers);
        Ok(None)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and headers are left out, because they contain secrets.
        f.debug_struct("Attempt").field("method", self.request.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proto::{Config, EventSource, Instant, Output};

    use super::*;
    use crate::client::Draft;

    fn attempt(draft: Draft) -> Attempt {
        let mut config = Config::default();
        let template = draft.finish(&mut config).unwrap();
        let mut source = EventSource::new(config, 0);
        let Output::Connect { request, .. } = source.poll(Instant::ZERO, &mut &[][..]) else { panic!() };
        template.attempt(&request).unwrap()
    }

    fn post(length: usize) -> Draft {
        Draft::get("http://x/").method(Method::POST).body(vec![b'x'; length])
    }

    fn expectation(attempt: &Attempt) -> Option<HeaderValue> {
        attempt.request().unwrap().headers().get(EXPECT).cloned()
    }

    fn answer(attempt: &mut Attempt, status: u16) -> Option<Head> {
        let response = http::Response::builder().status(status).header("location", "/2").body(()).unwrap();
        attempt.answer(response.into_parts().0).unwrap()
    }

    #[test]
    fn a_body_above_the_limit_has_an_expectation() {
        for (length, expected) in [(0, false), (Attempt::LARGE, false), (Attempt::LARGE + 1, true)] {
            let mut attempt = attempt(post(length));
            assert_eq!(expectation(&attempt), None, "not before the client asks for it");
            attempt.expect_continue();
            assert_eq!(
                expectation(&attempt).is_some_and(|value| value == "100-continue"),
                expected,
                "{length}"
            );
        }
    }

    /// RFC 9110, 10.1.1: after a 417 the request should be repeated without the expectation.
    #[test]
    fn after_417_the_request_is_repeated_once_without_the_expectation() {
        let mut attempt = attempt(post(100_000));
        attempt.expect_continue();
        assert!(answer(&mut attempt, 417).is_none());
        assert_eq!((expectation(&attempt), attempt.request().unwrap().body().len()), (None, 100_000));
        assert_eq!(answer(&mut attempt, 417).unwrap().status, 417);
    }

    #[test]
    fn an_expectation_of_the_user_is_the_users_matter() {
        let mut own = attempt(post(100_000).header("expect", "100-continue"));
        own.expect_continue();
        assert!(expectation(&own).is_some());
        assert_eq!(answer(&mut own, 417).unwrap().status, 417);
        let mut small = attempt(post(1));
        small.expect_continue();
        assert_eq!(answer(&mut small, 417).unwrap().status, 417);
    }

    #[test]
    fn a_redirect_repeats_the_expectation_with_the_body_and_drops_it_without() {
        for (status, expected) in [(307, true), (303, false)] {
            let mut attempt = attempt(post(100_000));
            attempt.expect_continue();
            assert!(answer(&mut attempt, status).is_none());
            assert_eq!(expectation(&attempt).is_some(), expected, "{status}");
        }
    }
}
