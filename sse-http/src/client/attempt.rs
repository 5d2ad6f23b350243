//! One attempt to connect: its request, and the requests that follow its redirects.

use std::fmt;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{Method, Request, Uri, response};
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
}

impl Attempt {
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
        Self { url, request, redirects: Redirects::default(), forward: template.forward.clone(), stream }
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

    /// Takes the response to the request. Returns its head; or `None` for a redirect, after which
    /// [`request`](Self::request) returns the next request.
    ///
    /// A client that follows redirects itself puts the final [`Url`] into the extensions of the
    /// response.
    ///
    /// # Errors
    ///
    /// If the redirect cannot be followed.
    pub fn answer(&mut self, mut parts: response::Parts) -> Result<Option<Head>, RedirectError> {
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
