//! Who may ask: the names, origins and tokens of a request.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Uri};

use subtle::ConstantTimeEq as _;

use super::Arguments;
use super::listen::connection::Via;
use super::refusal::Refusal;
use super::routes::App;

/// Who may ask; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Access {
    rules: Arc<Rules>,
    tokens: Arc<RwLock<Tokens>>,
}

/// The rules, made once from the arguments.
#[derive(Debug)]
struct Rules {
    /// Names under which the server is reached, besides those of loopback.
    hosts: Vec<String>,
    origins: Vec<String>,
    credentials: bool,
    /// Whether the server itself speaks TLS.
    secure: bool,
    publish_token: Option<Source>,
    subscribe_token: Option<Source>,
}

/// Where a token comes from.
#[derive(Clone, Debug)]
enum Source {
    Argument(String),
    File(PathBuf),
}

/// The tokens that are valid now.
#[derive(Debug, Default)]
struct Tokens {
    publish: Option<String>,
    subscribe: Option<String>,
}

impl Source {
    fn new(token: Option<&String>, file: Option<&PathBuf>) -> Option<Self> {
        file.cloned().map(Self::File).or_else(|| token.cloned().map(Self::Argument))
    }

    fn read(&self) -> Result<String, String> {
        let token = match self {
            Self::Argument(token) => token.clone(),
            Self::File(path) => {
                let text =
                    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                text.trim().to_owned()
            }
        };
        match token.as_str() {
            "" => Err("a token is empty, so that everybody has it: give another, or none".to_owned()),
            _ => Ok(token),
        }
    }
}

impl Rules {
    fn tokens(&self) -> Result<Tokens, String> {
        let read = |source: &Option<Source>| source.as_ref().map(Source::read).transpose();
        Ok(Tokens { publish: read(&self.publish_token)?, subscribe: read(&self.subscribe_token)? })
    }
}

impl Access {
    /// # Errors
    ///
    /// A file of a token cannot be read, or a token is empty.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, String> {
        let rules = Rules {
            hosts: arguments.host.clone(),
            origins: arguments.cors_origin.clone(),
            credentials: arguments.cors_credentials,
            secure: arguments.cert.is_some(),
            publish_token: Source::new(
                arguments.publish_token.as_ref(),
                arguments.publish_token_file.as_ref(),
            ),
            subscribe_token: Source::new(
                arguments.subscribe_token.as_ref(),
                arguments.subscribe_token_file.as_ref(),
            ),
        };
        let tokens = RwLock::new(rules.tokens()?).into();
        Ok(Self { rules: Arc::new(rules), tokens })
    }

    /// Reads the files of tokens again. If one cannot be read, all tokens stay as they are.
    pub(super) fn reload(&self) -> Result<(), String> {
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = self.rules.tokens()?;
        Ok(())
    }

    fn tokens(&self) -> RwLockReadGuard<'_, Tokens> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page of evil.example whose name now resolves to 127.0.0.1 is of the server's own origin for the
    /// browser; only the name that it asks for gives it away (DNS rebinding).
    fn host_allowed(&self, host: &str, via: Via) -> bool {
        let hosts = &self.rules.hosts;
        if !via.loopback && hosts.is_empty() {
            return true;
        }
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
            || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    fn origin_allowed(&self, origin: &str) -> bool {
        self.rules.origins.iter().any(|known| known == origin || known == "*")
    }

    /// Browsers name the origin of the page with everything but plain navigation. A foreign one is refused
    /// altogether: CORS alone keeps a page from reading the answer, not from publishing.
    fn check(&self, headers: &HeaderMap, uri: &Uri, via: Via) -> Result<Option<String>, Refusal> {
        // Of two, who stands between may have believed the other (RFC 9112, 3.2).
        let several = |name: HeaderName| headers.get_all(name).iter().nth(1).is_some();
        if several(header::HOST) || several(header::ORIGIN) {
            return Err(Refusal::bad_request("there is more than one Host or Origin: send one"));
        }
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        };
        if !self.host_allowed(host, via) {
            return Err(Refusal::host(host));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
        let origin = origin.to_str().unwrap_or_default();
        if self.is_own(origin, host) {
            return Ok(None);
        }
        if self.origin_allowed(origin) { Ok(Some(origin.to_owned())) } else { Err(Refusal::origin(origin)) }
    }

    /// Whether an origin is that of the server's own pages: http or https, and the host that the request names. A proxy may have
    /// ended TLS, so that the page is of https and the request is not; a server that speaks TLS itself has https pages alone.
    fn is_own(&self, origin: &str, host: &str) -> bool {
        let own = |scheme: &str, port: &str| {
            let named = origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
            let bare =
                |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
            !host.is_empty() && named.is_some_and(|named| bare(named) == bare(host))
        };
        own("https", ":443") || (!self.rules.secure && own("http", ":80"))
    }

    pub(super) fn may_publish(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        granted(self.tokens().publish.as_deref(), bearer(headers))
    }

    /// An `EventSource` cannot set headers, so the query will do (RFC 6750, section 2.3).
    pub(super) fn may_subscribe(
        &self,
        headers: &HeaderMap,
        access_token: Option<&str>,
    ) -> Result<(), Refusal> {
        granted(self.tokens().subscribe.as_deref(), bearer(headers).or(access_token))
    }

    /// Names of topics may be all that keeps a stranger from following them: to list them takes a token, or a server that
    /// nobody else reaches.
    pub(super) fn may_list(
        &self,
        headers: &HeaderMap,
        access_token: Option<&str>,
        via: Via,
    ) -> Result<(), Refusal> {
        let (publish, subscribe) = {
            let tokens = self.tokens();
            (tokens.publish.is_some(), tokens.subscribe.is_some())
        };
        match (subscribe, publish) {
            (true, _) => self.may_subscribe(headers, access_token),
            (false, _) if via.loopback => Ok(()),
            (false, true) => self.may_publish(headers),
            (false, false) => Err(Refusal::listing()),
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
    // In constant time, so that the time does not tell how much of a token is right.
    if expected.as_bytes().ct_eq(given.as_bytes()).into() { Ok(()) } else { Err(Refusal::token()) }
}

/// Checks every request, answers preflights, and adds what CORS needs to the responses.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let via = Via::of(request.extensions());
    let origin = match app.access.check(request.headers(), request.uri(), via) {
        Ok(origin) => origin,
        Err(refusal) => return refusal.into_response(),
    };
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !app.access.rules.origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    let Some(origin) = origin.and_then(|origin| HeaderValue::try_from(origin).ok()) else { return response };
    let mut insert =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    if app.access.rules.credentials {
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

    const LOCAL: Via = Via { loopback: true };
    const PUBLIC: Via = Via { loopback: false };

    fn access(hosts: &[&str], origins: &[&str]) -> Access {
        Access {
            rules: Arc::new(Rules {
                hosts: hosts.iter().map(|host| host.to_string()).collect(),
                origins: origins.iter().map(|origin| origin.to_string()).collect(),
                credentials: false,
                secure: false,
                publish_token: None,
                subscribe_token: None,
            }),
            tokens: Arc::new(RwLock::new(Tokens { publish: Some("secret".into()), subscribe: None })),
        }
    }

    fn check(
        access: &Access,
        via: Via,
        host: &str,
        origin: Option<&str>,
    ) -> Result<Option<String>, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        access.check(&headers, &"/".parse().unwrap(), via).map_err(|refusal| refusal.status())
    }

    #[test]
    fn on_loopback_only_local_names_are_served() {
        let access = access(&["dev.test"], &[]);
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::1]",
            "dev.test:1",
        ] {
            assert_eq!(check(&access, LOCAL, host, None), Ok(None), "{host}");
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
            assert_eq!(check(&access, LOCAL, host, None), Err(StatusCode::FORBIDDEN), "{host}");
        }
        let authority: Uri = "http://evil.example/".parse().unwrap();
        assert!(access.check(&HeaderMap::new(), &authority, LOCAL).is_err(), "HTTP/2 has it in the URI");
    }

    #[test]
    fn a_foreign_page_is_refused_unless_listed() {
        let listed = access(&[], &["https://good.example"]);
        let host = "api.example:8080";
        assert_eq!(check(&listed, PUBLIC, host, Some("http://api.example:8080")), Ok(None), "its own pages");
        assert_eq!(
            check(&listed, PUBLIC, host, Some("https://good.example")),
            Ok(Some("https://good.example".into()))
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
        assert_eq!(check(&access(&[], &["*"]), PUBLIC, host, Some("null")), Ok(Some("null".into())));
    }

    #[test]
    fn topics_are_listed_on_loopback_or_to_who_has_a_token() {
        let status = |access: &Access, via: Via, token: Option<&str>| {
            access.may_list(&HeaderMap::new(), token, via).err().map(|refusal| refusal.status())
        };
        let access = access(&[], &[]);
        let set = |publish: Option<&str>, subscribe: Option<&str>| {
            *access.tokens.write().unwrap() =
                Tokens { publish: publish.map(String::from), subscribe: subscribe.map(String::from) };
        };
        assert_eq!(status(&access, LOCAL, None), None, "nobody else reaches a loopback address");
        assert_eq!(
            status(&access, PUBLIC, None),
            Some(StatusCode::UNAUTHORIZED),
            "the publisher's token will do"
        );
        set(None, None);
        assert_eq!(
            status(&access, PUBLIC, None),
            Some(StatusCode::FORBIDDEN),
            "names are told to nobody in particular"
        );
        set(None, Some("s"));
        assert_eq!(status(&access, PUBLIC, None), Some(StatusCode::UNAUTHORIZED));
        assert_eq!(status(&access, PUBLIC, Some("s")), None);
    }

    #[test]
    fn its_own_page_is_let_in_behind_a_proxy_that_ends_tls() {
        let mut access = access(&[], &[]);
        for (host, origin) in [
            ("app.example", "https://app.example"),
            ("app.example:443", "https://app.example"),
            ("app.example", "https://app.example:443"),
            ("app.example:80", "http://app.example"),
            ("APP.example:8080", "https://app.example:8080"),
        ] {
            assert_eq!(check(&access, PUBLIC, host, Some(origin)), Ok(None), "{host} {origin}");
        }
        for (host, origin) in [
            ("app.example", "https://app.example:8443"),
            ("app.example", "https://evil.example"),
            ("app.example:80", "https://app.example:443.evil.example"),
            ("", "https://"),
        ] {
            assert_eq!(
                check(&access, PUBLIC, host, Some(origin)),
                Err(StatusCode::FORBIDDEN),
                "{host} {origin}"
            );
        }
        Arc::get_mut(&mut access.rules).unwrap().secure = true;
        assert!(
            check(&access, PUBLIC, "app.example", Some("http://app.example")).is_err(),
            "it speaks TLS itself"
        );
    }

    #[test]
    fn tokens_are_compared_whole() {
        let access = access(&[], &[]);
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
