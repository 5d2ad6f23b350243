//! Token of a request, and whether the request comes from this machine.

use axum::extract::FromRequestParts;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};

use super::super::listen::connection::Via;
use super::super::refusal::Refusal;
use super::super::routes::App;
use super::site::{self, Page};

/// The client of a request: its token, and whether it is on this machine.
pub(in crate::serve) struct Caller {
    /// At most one token (RFC 6750, 2): from the header, otherwise from the query, otherwise from
    /// the cookie.
    pub(super) token: Option<String>,
    /// Whether a cookie was ignored, because the request may come from a page of another site.
    pub(super) cookie_left_out: bool,
    /// Whether the request comes from this machine: to a loopback address, under a loopback name.
    /// A proxy on this machine passes on the name under which others reach it.
    pub(super) local: bool,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let page = parts.extensions.get().unwrap_or(&Page::Unknown);
        let local = Via::of(&parts.extensions).loopback
            && site::is_loopback_name(site::host_of(&parts.headers, &parts.uri));
        let mut caller = Self { token: None, cookie_left_out: false, local };
        if let Some(token) = bearer(&parts.headers)? {
            caller.token = Some(token.to_owned());
        } else if let Some(token) = query(&parts.method, &parts.uri)? {
            caller.token = Some(token);
        } else if let Some(token) = cookie(&parts.headers, app.access.cookie())? {
            match page.vouches_for_cookies(&parts.headers) {
                true => caller.token = Some(token.to_owned()),
                false => caller.cookie_left_out = true,
            }
        }
        Ok(caller)
    }
}

/// The token of `Authorization: Bearer`; other schemes are ignored, because they are for a proxy.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Refusal::bad_request("there is more than one Authorization: send one"));
    }
    let Some((scheme, token)) = first.and_then(|value| value.to_str().ok()?.split_once(' ')) else {
        return Ok(None);
    };
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()))
}

/// The query parameter `access_token` (RFC 6750, 2.3) of a request that only reads, because an
/// `EventSource` cannot set headers.
fn query(method: &Method, uri: &Uri) -> Result<Option<String>, Refusal> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return Ok(None);
    }
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut tokens = pairs.filter(|(name, _)| name == "access_token").map(|(_, token)| token);
    let (first, second) = (tokens.next(), tokens.next());
    match second {
        Some(_) => Err(Refusal::bad_request("there is more than one access_token: send one")),
        None => Ok(first.map(|token| token.into_owned())),
    }
}

/// The cookie of this name (RFC 6265, 4.2). If there are two, neither is used, because one may come
/// from a neighbouring domain.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    // As bytes, because the cookie of another application beside it may have any.
    let values = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = values.flat_map(|value| value.split(|byte| *byte == b';')).filter_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((&pair[..at], &pair[at + 1..]))
    });
    let mut tokens = pairs.filter(|(key, _)| *key == name.as_bytes()).map(|(_, token)| token);
    let (first, second) = (tokens.next(), tokens.next());
    match second {
        Some(_) => Err(Refusal::bad_request("there is more than one cookie with a token: send one")),
        None => Ok(first.and_then(|token| str::from_utf8(token).ok())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(&'static str, &str)]) -> HeaderMap {
        let value = |value: &str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
        values.iter().map(|(name, text)| (name.parse().unwrap(), value(text))).collect()
    }

    #[test]
    fn only_one_authorization_header_of_the_scheme_bearer_counts() {
        let token = |value: &str| bearer(&headers(&[("authorization", value)])).unwrap().map(str::to_owned);
        assert_eq!(token("Bearer secret").as_deref(), Some("secret"));
        assert_eq!(token("bearer  secret ").as_deref(), Some("secret"));
        assert_eq!(token("Bearer ").as_deref(), Some(""));
        for other in ["secret", "Bearer", "Basic secret"] {
            assert_eq!(token(other), None, "{other}");
        }
        assert!(bearer(&headers(&[("authorization", "Bearer a"), ("authorization", "Bearer a")])).is_err());
    }

    #[test]
    fn the_query_counts_for_requests_that_only_read() {
        let token = |method: Method, uri: &str| query(&method, &uri.parse().unwrap());
        assert_eq!(token(Method::GET, "/?a=b&access_token=x%2By").unwrap().as_deref(), Some("x+y"));
        assert_eq!(token(Method::HEAD, "/?access_token=x").unwrap().as_deref(), Some("x"));
        assert_eq!(token(Method::GET, "/").unwrap(), None);
        assert_eq!(token(Method::POST, "/?access_token=x").unwrap(), None);
        assert_eq!(token(Method::DELETE, "/?access_token=x").unwrap(), None);
        assert!(token(Method::GET, "/?access_token=x&access_token=x").is_err());
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_once() {
        let token = |values: &[(&'static str, &str)]| {
            cookie(&headers(values), "t").map(|token| token.map(str::to_owned)).map_err(drop)
        };
        assert_eq!(token(&[("cookie", "a=b; t=x=y; c=d")]), Ok(Some("x=y".into())));
        assert_eq!(token(&[("cookie", "a=b"), ("cookie", "t=x")]), Ok(Some("x".into())), "HTTP/2 splits it");
        assert_eq!(token(&[("cookie", "tt=x; T=x; t")]), Ok(None));
        assert_eq!(token(&[("cookie", "name=Jürgen; t=x")]), Ok(Some("x".into())), "of another application");
        assert_eq!(token(&[("cookie", "t=x; t=y")]), Err(()));
        assert_eq!(token(&[("cookie", "t=x"), ("cookie", "t=x")]), Err(()));
    }
}
