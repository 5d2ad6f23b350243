//! Who may ask: the names, origins and tokens of a request.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};

use super::Arguments;
use super::refusal::Refusal;
use super::routes::App;

/// The rules, made once from the arguments.
#[derive(Debug)]
pub(super) struct Access {
    /// `None`: any name will do.
    hosts: Option<Vec<String>>,
    origins: Vec<String>,
    credentials: bool,
    scheme: &'static str,
    publish_token: Option<String>,
    subscribe_token: Option<String>,
    loopback: bool,
}

impl Access {
    pub(super) fn new(arguments: &Arguments) -> Self {
        let checks_hosts = arguments.listen.ip().is_loopback() || !arguments.host.is_empty();
        Self {
            hosts: checks_hosts.then(|| arguments.host.clone()),
            origins: arguments.cors_origin.clone(),
            credentials: arguments.cors_credentials,
            scheme: if arguments.cert.is_some() { "https" } else { "http" },
            publish_token: arguments.publish_token.clone(),
            subscribe_token: arguments.subscribe_token.clone(),
            loopback: arguments.listen.ip().is_loopback(),
        }
    }

    /// A page of evil.example whose name now resolves to 127.0.0.1 is of the server's own origin for the
    /// browser; only the name that it asks for gives it away (DNS rebinding).
    fn host_allowed(&self, host: &str) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    fn origin_allowed(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin || known == "*")
    }

    /// Browsers name the origin of the page with everything but plain navigation. A foreign one is refused
    /// altogether: CORS alone keeps a page from reading the answer, not from publishing.
    fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<Option<String>, Refusal> {
        // Of two, who stands between may have believed the other (RFC 9112, 3.2).
        let several = |name: HeaderName| headers.get_all(name).iter().nth(1).is_some();
        if several(header::HOST) || several(header::ORIGIN) {
            return Err(Refusal::bad_request("there is more than one Host or Origin: send one"));
        }
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        };
        if !self.host_allowed(host) {
            return Err(Refusal::host(host));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
        let origin = origin.to_str().unwrap_or_default();
        if origin.strip_prefix(self.scheme).and_then(|rest| rest.strip_prefix("://")) == Some(host) {
            return Ok(None);
        }
        if self.origin_allowed(origin) { Ok(Some(origin.to_owned())) } else { Err(Refusal::origin(origin)) }
    }

    pub(super) fn may_publish(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        granted(self.publish_token.as_deref(), bearer(headers))
    }

    /// An `EventSource` cannot set headers, so the query will do (RFC 6750, section 2.3).
    pub(super) fn may_subscribe(
        &self,
        headers: &HeaderMap,
        access_token: Option<&str>,
    ) -> Result<(), Refusal> {
        granted(self.subscribe_token.as_deref(), bearer(headers).or(access_token))
    }

    /// Names of topics may be all that keeps a stranger from following them: to list them takes a token, or a server that
    /// nobody else reaches.
    pub(super) fn may_list(&self, headers: &HeaderMap, access_token: Option<&str>) -> Result<(), Refusal> {
        match (&self.subscribe_token, &self.publish_token) {
            (Some(_), _) => self.may_subscribe(headers, access_token),
            (None, _) if self.loopback => Ok(()),
            (None, Some(_)) => self.may_publish(headers),
            (None, None) => Err(Refusal::listing()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn granted(expected: Option<&str>, given: Option<&str>) -> Result<(), Refusal> {
    let Some(expected) = expected else { return Ok(()) };
    let given = given.unwrap_or_default();
    // Every byte is looked at, so that the time does not tell how many are right.
    let differ =
        given.bytes().zip(expected.bytes()).fold(0, |differ, (given, expected)| differ | (given ^ expected));
    if given.len() == expected.len() && differ == 0 { Ok(()) } else { Err(Refusal::token()) }
}

/// Checks every request, answers preflights, and adds what CORS needs to the responses.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let origin = match app.access.check(request.headers(), request.uri()) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !app.access.origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let Some(origin) = origin.and_then(|origin| HeaderValue::try_from(origin).ok()) else { return response };
    let mut insert =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    if app.access.credentials {
        insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if preflight {
        insert(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, DELETE");
        insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, cache-control, content-type, idempotency-key, last-event-id, sse-event, sse-id",
        );
        insert(header::ACCESS_CONTROL_MAX_AGE, "600");
    } else {
        insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, "last-event-id, retry-after");
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(hosts: Option<&[&str]>, origins: &[&str]) -> Access {
        Access {
            hosts: hosts.map(|hosts| hosts.iter().map(|host| host.to_string()).collect()),
            origins: origins.iter().map(|origin| origin.to_string()).collect(),
            credentials: false,
            scheme: "http",
            publish_token: Some("secret".into()),
            subscribe_token: None,
            loopback: true,
        }
    }

    fn check(access: &Access, host: &str, origin: Option<&str>) -> Result<Option<String>, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        access.check(&headers, &"/".parse().unwrap()).map_err(|refusal| refusal.status())
    }

    #[test]
    fn on_loopback_only_local_names_are_served() {
        let access = access(Some(&["dev.test"]), &[]);
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::1]",
            "dev.test:1",
        ] {
            assert_eq!(check(&access, host, None), Ok(None), "{host}");
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
            assert_eq!(check(&access, host, None), Err(StatusCode::FORBIDDEN), "{host}");
        }
        let authority: Uri = "http://evil.example/".parse().unwrap();
        assert!(access.check(&HeaderMap::new(), &authority).is_err(), "HTTP/2 has it in the URI");
    }

    #[test]
    fn a_foreign_page_is_refused_unless_listed() {
        let listed = access(None, &["https://good.example"]);
        let host = "api.example:8080";
        assert_eq!(check(&listed, host, Some("http://api.example:8080")), Ok(None), "its own pages");
        assert_eq!(
            check(&listed, host, Some("https://good.example")),
            Ok(Some("https://good.example".into()))
        );
        for origin in
            ["https://evil.example", "null", "", "https://good.example.evil", "https://api.example:8080"]
        {
            assert_eq!(check(&listed, host, Some(origin)), Err(StatusCode::FORBIDDEN), "{origin}");
        }
        assert_eq!(check(&access(None, &["*"]), host, Some("null")), Ok(Some("null".into())));
    }

    #[test]
    fn topics_are_listed_on_loopback_or_to_who_has_a_token() {
        let status = |access: &Access, token: Option<&str>| {
            access.may_list(&HeaderMap::new(), token).err().map(|refusal| refusal.status())
        };
        let mut access = access(None, &[]);
        assert_eq!(status(&access, None), None, "nobody else reaches a loopback address");
        access.loopback = false;
        assert_eq!(status(&access, None), Some(StatusCode::UNAUTHORIZED), "the publisher's token will do");
        access.publish_token = None;
        assert_eq!(
            status(&access, None),
            Some(StatusCode::FORBIDDEN),
            "names are told to nobody in particular"
        );
        access.subscribe_token = Some("s".into());
        assert_eq!(
            (status(&access, None), status(&access, Some("s"))),
            (Some(StatusCode::UNAUTHORIZED), None)
        );
    }

    #[test]
    fn tokens_are_compared_whole() {
        let access = access(None, &[]);
        let publish = |authorization: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
            access.may_publish(&headers).is_ok()
        };
        assert!(publish("Bearer secret") && publish("bearer  secret"));
        for wrong in [
            "secret",
            "Bearer",
            "Bearer ",
            "Bearer secre",
            "Bearer secrets",
            "Bearer Secret",
            "Bearer terces",
            "Basic secret",
        ] {
            assert!(!publish(wrong), "{wrong}");
        }
        assert!(access.may_publish(&HeaderMap::new()).is_err());
        assert!(access.may_subscribe(&HeaderMap::new(), None).is_ok(), "no token, no check");
    }
}
