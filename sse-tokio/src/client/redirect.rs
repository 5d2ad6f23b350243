//! Redirects, followed by ourselves: what reqwest's policy cannot do is to keep the user's headers at home.

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION, TRANSFER_ENCODING,
};
use reqwest::{Method, Request, Response, StatusCode, Url};

use super::RedirectError;

/// How many redirects of one request are followed, as in the Fetch standard.
const LIMIT: usize = 20;

/// The headers that are ours, and go wherever the redirect leads.
const OURS: [&str; 3] = ["accept", "cache-control", "last-event-id"];

/// The redirects that one request followed.
pub(super) struct Redirects<'a> {
    /// The user's headers that may go to another origin.
    forward: &'a [HeaderName],
    visited: Vec<Url>,
}

impl<'a> Redirects<'a> {
    pub(super) fn new(forward: &'a [HeaderName]) -> Self {
        Self { forward, visited: Vec::new() }
    }

    /// The request that `response` asks for in place of the one that was sent, of which `again` is a copy; `None` if it is
    /// no redirect.
    pub(super) fn follow(
        &mut self,
        response: &Response,
        again: Option<Request>,
    ) -> Result<Option<Request>, RedirectError> {
        let status = response.status();
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let from = response.url();
        let location = response.headers().get(LOCATION).map(|value| value.as_bytes()).unwrap_or_default();
        let location = std::str::from_utf8(location).map_err(|_| RedirectError::Location)?;
        if location.is_empty() {
            return Err(RedirectError::NoLocation);
        }
        let to = from.join(location).map_err(|_| RedirectError::Location)?;
        if !matches!(to.scheme(), "http" | "https") {
            return Err(RedirectError::Location);
        }
        self.visited.push(from.clone());
        if self.visited.contains(&to) {
            return Err(RedirectError::Loop);
        }
        if self.visited.len() > LIMIT {
            return Err(RedirectError::TooMany);
        }
        let mut request = again.ok_or(RedirectError::Body)?;
        if to.origin() != from.origin() {
            self.keep_at_home(&mut request);
        }
        if becomes_get(status, request.method()) {
            *request.method_mut() = Method::GET;
            *request.body_mut() = None;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                request.headers_mut().remove(name);
            }
        }
        *request.url_mut() = to;
        Ok(Some(request))
    }

    /// Removes what another origin must not learn.
    fn keep_at_home(&self, request: &mut Request) {
        let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
        for name in names {
            if !OURS.contains(&name.as_str()) && !self.forward.contains(&name) {
                request.headers_mut().remove(name);
            }
        }
    }
}

/// The rule of the Fetch standard, HTTP-redirect fetch.
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => !matches!(*method, Method::GET | Method::HEAD),
        _ => false,
    }
}
