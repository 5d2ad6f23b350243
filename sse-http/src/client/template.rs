//! Request of a source: the user's request, and the headers that every attempt adds.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http::{Method, Request};
use proto::{Config, Repeat, basic_authorization};
use url::Url;

use super::{Attempt, TransportError};

/// A request that is being built, or the first error in it.
///
/// Each method of an adapter's builder calls the method of this type with its name.
/// [`finish`](Self::finish) checks the request and adds the headers that every attempt sends.
#[derive(Debug)]
pub struct Draft(Result<Template, TransportError>);

/// The request that every attempt of a source copies; made by [`Draft::finish`].
///
/// [`Debug`](fmt::Debug) leaves out the URL, the values of the headers and the body.
pub struct Template {
    pub(super) url: Url,
    pub(super) request: Request<Bytes>,
    /// The user's headers that may be sent to another origin.
    pub(super) forward: Vec<HeaderName>,
    /// The query parameter that carries the last event ID, besides the header.
    pub(super) id_parameter: Option<String>,
    /// `Some` if the body is a stream that the adapter holds; true once it was sent.
    stream: Option<AtomicBool>,
    /// Whether the body is JSON, which its default `Content-Type` says.
    json: bool,
    user_agent: bool,
}

impl Draft {
    /// The value of `User-Agent` where the user sets none (RFC 9110, 10.1.5: a user agent should
    /// send one).
    pub const USER_AGENT: &str = concat!("sse-http/", env!("CARGO_PKG_VERSION"));

    /// Creates a `GET` request for this URL.
    pub fn get(url: &str) -> Self {
        Self::new(Url::parse(url).map_err(TransportError::Url), Request::default())
    }

    /// Takes a request of the user, whose URI has to be absolute.
    pub fn from_request(request: Request<impl Into<Bytes>>) -> Self {
        Self::new(
            Url::parse(&request.uri().to_string()).map_err(TransportError::Url),
            request.map(Into::into),
        )
    }

    /// Creates a draft that fails with this error in [`finish`](Self::finish).
    pub fn failed(error: TransportError) -> Self {
        Self(Err(error))
    }

    fn new(url: Result<Url, TransportError>, request: Request<Bytes>) -> Self {
        Self(url.map(|url| Template {
            url,
            request,
            forward: Vec::new(),
            id_parameter: None,
            stream: None,
            json: false,
            user_agent: true,
        }))
    }

    /// The URL of the request; `None` if it is malformed.
    pub fn url(&self) -> Option<&Url> {
        Some(&self.0.as_ref().ok()?.url)
    }

    fn with(mut self, set: impl FnOnce(&mut Template)) -> Self {
        if let Ok(template) = &mut self.0 {
            set(template);
        }
        self
    }

    /// Sets the request method.
    pub fn method(self, method: Method) -> Self {
        self.with(|template| *template.request.method_mut() = method)
    }

    /// Adds a header.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        let header = name
            .try_into()
            .map_err(Into::into)
            .and_then(|name| Ok((name, value.try_into().map_err(Into::into)?)));
        Self(self.0.and_then(|mut template| {
            let (name, value) = header.map_err(TransportError::Request)?;
            template.request.headers_mut().append(name, value);
            Ok(template)
        }))
    }

    /// Sends `Authorization: Bearer <token>`, in place of credentials that were set before.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        match HeaderValue::try_from(format!("Bearer {token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.with(|template| drop(template.request.headers_mut().insert(AUTHORIZATION, value)))
            }
            Err(error) => Self(self.0.and(Err(TransportError::Request(error.into())))),
        }
    }

    /// Adds headers, which replace those with the same names.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|template| template.request.headers_mut().extend(headers))
    }

    /// Sets the body, which is sent with every attempt. It replaces a body that was set before.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with(|template| {
            *template.request.body_mut() = body.into();
            (template.stream, template.json) = (None, false);
        })
    }

    /// Sets the body to a value as JSON, and `Content-Type: application/json` unless that header is
    /// set. The body is sent with every attempt.
    #[cfg(feature = "serde")]
    pub fn json(self, body: &(impl serde::Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => self.body(body).with(|template| template.json = true),
            Err(error) => Self(self.0.and(Err(TransportError::RequestJson(error)))),
        }
    }

    /// Marks the body as a stream, which the adapter sends with the first attempt; a second attempt
    /// fails with [`TransportError::BodyConsumed`]. It replaces a body that was set before.
    pub fn stream_body(self) -> Self {
        self.body(Bytes::new()).with(|template| template.stream = Some(AtomicBool::new(false)))
    }

    /// Whether the body is a stream that the adapter sends.
    pub fn has_stream_body(&self) -> bool {
        self.0.as_ref().is_ok_and(|template| template.stream.is_some())
    }

    /// Allows this header to be sent to another origin after a redirect.
    pub fn forward_header(self, name: HeaderName) -> Self {
        self.with(|template| template.forward.push(name))
    }

    /// Sends the last event ID in this query parameter too.
    pub fn last_event_id_parameter(self, name: String) -> Self {
        self.with(|template| template.id_parameter = Some(name))
    }

    /// Adds no `User-Agent`, because the user's HTTP client decides about it.
    pub fn no_user_agent(self) -> Self {
        self.with(|template| template.user_agent = false)
    }

    /// Checks the request, and adds these headers to every attempt, unless the user set them:
    ///
    /// - `Accept: text/event-stream` and `Cache-Control: no-cache` (9.2.2, 9.2.3);
    /// - `Accept-Encoding: identity`: without it a server may choose any coding (RFC 9110, 12.5.3),
    ///   and a compressor holds events back;
    /// - `User-Agent: sse-http/<version>`;
    /// - `Content-Type: application/json` for a body that was set by [`json`](Self::json);
    /// - `Authorization` with the credentials of the URL, which are removed from the URL.
    ///
    /// A `Last-Event-ID` header becomes the ID that `config` starts with: left in the request, it
    /// would be sent again after the stream has changed the ID. [`Config::repeat`] becomes `Never`
    /// for methods that are not idempotent (`POST`, `PATCH`), unless it is set.
    ///
    /// # Errors
    ///
    /// If the URL or a header is malformed, or the scheme is neither `http` nor `https`.
    pub fn finish(self, config: &mut Config) -> Result<Template, TransportError> {
        let mut template = self.0?;
        if !matches!(template.url.scheme(), "http" | "https") {
            return Err(TransportError::Scheme(template.url.scheme().into()));
        }
        let idempotent = template.request.method().is_idempotent();
        let by_method = if idempotent { Repeat::Always } else { Repeat::Never };
        let repeat = config.repeat().unwrap_or(by_method);
        *config = mem::take(config).with_repeat(repeat);
        let headers = template.request.headers_mut();
        if let Some(id) = headers.remove("last-event-id") {
            config.resume_after(id.as_bytes());
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("text/event-stream"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
        if template.user_agent {
            headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(Draft::USER_AGENT));
        }
        if template.json {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        take_credentials(&mut template.url, headers);
        Ok(template)
    }
}

impl Template {
    /// The URL of the request, without its credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The body of the request.
    pub fn body(&self) -> &Bytes {
        self.request.body()
    }

    /// The request of one attempt, with the last event ID of [`proto::Request`].
    ///
    /// # Errors
    ///
    /// If the body is a stream that was sent already.
    pub fn attempt(&self, asked: &proto::Request<'_>) -> Result<Attempt, TransportError> {
        let stream = match &self.stream {
            Some(sent) if sent.swap(true, Ordering::Relaxed) => return Err(TransportError::BodyConsumed),
            stream => stream.is_some(),
        };
        Ok(Attempt::new(self, asked, stream))
    }
}

/// Moves the credentials of a URL to the header `Authorization`, unless that header is set.
pub(super) fn take_credentials(url: &mut Url, headers: &mut HeaderMap) {
    let Some(value) = authorization(url) else { return };
    // These calls fail only for a URL without a host, and an HTTP URL has one.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    headers.entry(AUTHORIZATION).or_insert(value);
}

/// The credentials of a URL, as the value of `Authorization` or `Proxy-Authorization` (RFC 7617).
pub fn authorization(url: &Url) -> Option<HeaderValue> {
    let value = basic_authorization(url.username(), url.password())?;
    let mut value = HeaderValue::try_from(value).expect("base64 is ASCII");
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("method", self.request.method()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(draft: Draft) -> HeaderMap {
        draft.finish(&mut Config::default()).unwrap().request.into_parts().0.headers
    }

    fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
        headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
    }

    #[test]
    fn the_last_of_several_tokens_is_sent_alone() {
        let headers = sent(Draft::get("http://me:secret@x/").bearer_auth("old").bearer_auth("new"));
        assert_eq!(all(&headers, "authorization"), [b"Bearer new"]);
        assert!(headers["authorization"].is_sensitive());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_has_its_content_type_unless_one_is_set_before_or_after() {
        let draft = || Draft::get("http://x/");
        let json = |draft: Draft| draft.json(&[1]);
        let other = |draft: Draft| draft.header("content-type", "application/x-ndjson");
        assert_eq!(all(&sent(json(draft())), "content-type"), [b"application/json"]);
        for draft in [json(other(draft())), other(json(draft()))] {
            assert_eq!(all(&sent(draft), "content-type"), [b"application/x-ndjson"]);
        }
        assert_eq!(all(&sent(json(draft()).body("text")), "content-type"), [b""; 0]);
    }

    #[test]
    fn a_later_body_replaces_a_stream() {
        let draft = Draft::get("http://x/").body("a").stream_body();
        assert!(draft.has_stream_body());
        let template = draft.body("b").finish(&mut Config::default()).unwrap();
        assert_eq!((template.stream.is_none(), &template.body()[..]), (true, &b"b"[..]));
    }
}
