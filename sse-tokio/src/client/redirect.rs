//! Redirects, followed by ourselves: what reqwest's policy cannot do is to keep the user's headers at home.

use proto::{RedirectError, Redirects};
use reqwest::header::{HeaderName, LOCATION};
use reqwest::{Method, Request, Response};

/// What is kept of a request that is sent, to follow a redirect with.
pub(super) struct Again {
    request: Request,
    /// The body was a stream, and is gone.
    spent: bool,
}

impl From<&Request> for Again {
    fn from(request: &Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Self { request, spent: false };
        }
        let mut head = Request::new(request.method().clone(), request.url().clone());
        head.headers_mut().clone_from(request.headers());
        *head.timeout_mut() = request.timeout().copied();
        *head.version_mut() = request.version();
        Self { request: head, spent: true }
    }
}

/// The request that `response` asks for in place of the one that was sent; `None` if it is no redirect. Headers in
/// `forward` may go to another origin.
pub(super) fn follow(
    redirects: &mut Redirects,
    forward: &[HeaderName],
    response: &Response,
    again: Again,
) -> Result<Option<Request>, RedirectError> {
    let (status, from) = (response.status().as_u16(), response.url());
    let location = response.headers().get(LOCATION).map(|value| value.as_bytes());
    let Some(location) = Redirects::location(status, location)? else { return Ok(None) };
    let to = from.join(location).map_err(|_| RedirectError::Location)?;
    let Again { mut request, spent } = again;
    let redirect = redirects.follow(status, request.method().as_str(), from.as_str(), to.as_str())?;
    let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
    for name in names {
        if !redirect.keeps(name.as_str(), forward.contains(&name)) {
            request.headers_mut().remove(name);
        }
    }
    if redirect.becomes_get {
        *request.method_mut() = Method::GET;
        *request.body_mut() = None;
    } else if spent {
        return Err(RedirectError::Body);
    }
    *request.url_mut() = to;
    Ok(Some(request))
}
