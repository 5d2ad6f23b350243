//! Rights by a JWT (RFC 7519), over a socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::http::{Answer, request};
use super::operating::{Loud, address, temporary};

pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";
const NEW_KEY: &str = "fedcba9876543210fedcba9876543210";

pub(super) fn seconds(from_now: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + from_now
}

pub(super) fn signed(key: &str, claims: &Value) -> String {
    jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

/// A token that may follow `news/*` and publish `news/a`.
fn token(key: &str) -> String {
    let rights = json!({"publish": ["news/a"], "subscribe": ["news/*"]});
    signed(key, &json!({"sub": "hunter2", "exp": seconds(3600), "sse": rights}))
}

/// A server that verifies tokens by the key in a file, and writes every log line that there is.
struct Guarded {
    server: Loud,
    address: String,
    key: PathBuf,
}

impl Guarded {
    fn start(name: &str) -> Self {
        let key = temporary(name);
        std::fs::write(&key, format!("{KEY}\n")).unwrap();
        let arguments = ["--listen", "127.0.0.1:0", "--jwt-key-file", key.to_str().unwrap()];
        let mut server = Loud::start(&arguments, &[("RUST_LOG", "trace")]);
        let address = address(&server.listening()).to_owned();
        Self { server, address, key }
    }

    fn send(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        request(&self.address, method, path, headers, if method == "POST" { "x" } else { "" })
    }

    fn status(&self, method: &str, path: &str, headers: &[&str]) -> u16 {
        self.send(method, path, headers).status
    }

    /// The whole log. Ends the server.
    fn log(&mut self) -> String {
        self.server.signal("-TERM");
        let rest = self.server.rest();
        std::mem::take(&mut self.server.seen) + &rest
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// Nothing of a token is in the log: no part of its text, no claim.
fn assert_secret(log: &str, tokens: &[&str]) {
    assert!(log.contains("/events/news%2Fa"), "the log has the requests: {log}");
    let parts = tokens.iter().flat_map(|token| token.split('.')).filter(|part| !part.is_empty());
    for part in parts.chain(["hunter2", "news/*", "\"exp\"", KEY, NEW_KEY]) {
        assert!(!log.contains(part), "{part} is in the log");
    }
}

#[test]
fn a_jwt_gives_the_rights_that_it_names_by_header_query_and_cookie() {
    let mut server = Guarded::start("jwt-rights");
    let token = token(KEY);
    let header = bearer(&token);
    for (method, path, expected) in [
        ("GET", "/events/news%2Fa", 200),
        ("GET", "/events/news%2Fb", 200),
        ("HEAD", "/events/news%2Fb", 200),
        ("GET", "/events?topic=news/a&topic=news/b", 200),
        ("GET", "/events?topic=news/a&topic=other", 403),
        ("GET", "/events/news", 403),
        ("GET", "/events/other", 403),
        ("GET", "/metrics", 403),
        ("POST", "/events/news%2Fa", 200),
        ("POST", "/events/news%2Fb", 403),
        ("DELETE", "/events/news%2Fb", 403),
    ] {
        let answer = server.send(method, path, &[&header]);
        assert_eq!(answer.status, expected, "{method} {path}");
        let scope = "www-authenticate: bearer error=\"insufficient_scope\"\r\n";
        assert_eq!(answer.head.contains(scope), expected == 403, "{}", answer.head);
    }
    let query = |topic: &str| format!("/events/{topic}?access_token={token}");
    assert_eq!(server.status("GET", &query("news%2Fa"), &[]), 200);
    assert_eq!(server.status("GET", &query("other"), &[]), 403);
    assert_eq!(server.status("POST", &query("news%2Fa"), &[]), 401, "a POST can set its header");
    let cookie = &*format!("Cookie: sse_token={token}");
    for (method, path, origin, expected) in [
        ("GET", "/events/news%2Fa", "Origin: http://localhost", 200),
        ("POST", "/events/news%2Fa", "Origin: http://localhost", 200),
        ("POST", "/events/news%2Fb", "Origin: http://localhost", 403),
        ("GET", "/events/news%2Fa", "Sec-Fetch-Site: same-origin", 200),
        ("GET", "/events/news%2Fa", "Sec-Fetch-Site: cross-site", 401),
        ("POST", "/events/news%2Fa", "Accept: */*", 401),
        ("POST", "/events/news%2Fa", "Origin: https://evil.example", 403),
    ] {
        assert_eq!(server.status(method, path, &[cookie, origin]), expected, "{method} {path} {origin}");
    }
    assert_secret(&server.log(), &[&token]);
}

#[test]
fn a_jwt_that_is_not_valid_is_refused_with_a_challenge() {
    let mut server = Guarded::start("jwt-refused");
    let valid = token(KEY);
    let [header, payload, signature] = *valid.split('.').collect::<Vec<_>>() else { panic!("{valid}") };
    let none = "eyJhbGciOiJub25lIn0";
    let rights = json!({"publish": ["*"], "subscribe": ["*"]});
    let expired = signed(KEY, &json!({"sub": "hunter2", "exp": seconds(-1), "sse": rights}));
    let early = signed(KEY, &json!({"exp": seconds(60), "nbf": seconds(60), "sse": rights}));
    let endless = signed(KEY, &json!({"sub": "hunter2", "sse": rights}));
    let other = token(NEW_KEY);
    let [_, wider, _] = *endless.split('.').collect::<Vec<_>>() else { panic!("{endless}") };
    let changed = format!("{header}.{wider}.{signature}");
    let unsigned = [format!("{none}.{payload}."), format!("{none}.{payload}.{signature}")];
    let cut = format!("{header}.{payload}.");
    let refused: [&str; 9] =
        [&expired, &early, &endless, &other, &changed, &unsigned[0], &unsigned[1], &cut, "hunter2"];
    for token in refused {
        for (method, path) in [("GET", "/events/news%2Fa"), ("POST", "/events/news%2Fa")] {
            let answer = server.send(method, path, &[&bearer(token)]);
            assert_eq!(answer.status, 401, "{method} {token}");
            let challenge = "www-authenticate: bearer error=\"invalid_token\"\r\n";
            assert!(answer.head.contains(challenge), "{}", answer.head);
        }
    }
    // RFC 6750, 3.1: no error code for a request without a token.
    let answer = server.send("GET", "/events/news%2Fa", &[]);
    assert!(answer.status == 401 && answer.head.contains("www-authenticate: bearer\r\n"), "{}", answer.head);
    assert_secret(&server.log(), &refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jwt_over_http_2_is_not_in_the_log() {
    let mut server = Guarded::start("jwt-http2");
    let (valid, refused) = (token(KEY), token(NEW_KEY));
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let url = format!("http://{}/events/news%2Fa", server.address);
    for (token, status) in [(&valid, 200), (&refused, 401)] {
        let publish = client.post(&url).bearer_auth(token).body("x").send().await.unwrap();
        assert_eq!((publish.version(), publish.status().as_u16()), (reqwest::Version::HTTP_2, status));
        let follow = client.get(format!("{url}?access_token={token}")).send().await.unwrap();
        assert_eq!(follow.status().as_u16(), status);
        let page = client.post(&url).header("origin", format!("http://{}", server.address));
        let page = page.header("cookie", format!("sse_token={token}")).body("x").send().await.unwrap();
        assert_eq!(page.status().as_u16(), status);
    }
    drop(client);
    assert_secret(&server.log(), &[&valid, &refused]);
}

#[test]
fn a_jwt_of_a_megabyte_is_refused_and_the_next_request_is_served() {
    let mut server = Guarded::start("jwt-giant");
    let valid = token(KEY);
    for length in [9_000, 1 << 20] {
        let rights = json!({"publish": ["*"], "subscribe": ["*"], "pad": "x".repeat(length)});
        let giant = signed(KEY, &json!({"exp": seconds(3600), "sse": rights}));
        for (path, header) in [
            ("/events/news%2Fa".to_owned(), bearer(&giant)),
            ("/events/news%2Fa".to_owned(), format!("Origin: http://localhost\r\nCookie: sse_token={giant}")),
            (format!("/events/news%2Fa?access_token={giant}"), "Accept: */*".to_owned()),
        ] {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            // The server may close before it has read all.
            write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n{header}\r\n\r\n").ok();
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer) {
                Ok(_) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
            }
            let answer = String::from_utf8(answer).unwrap();
            let refused = ["401", "414", "431"].iter().any(|status| answer.get(9..12) == Some(status));
            assert!(refused || (length > 9_000 && answer.is_empty()), "{answer}");
            assert_eq!(server.status("POST", "/events/news%2Fa", &[&bearer(&valid)]), 200);
        }
    }
    let log = server.log();
    assert!(!log.contains("xxxxxxxx") && !log.contains("eHh4eHh4"), "nothing of the token");
    assert_secret(&log, &[&valid]);
}

#[test]
fn sighup_reads_the_key_of_jwts_again_and_a_broken_file_keeps_the_old_key() {
    let mut server = Guarded::start("jwt-reload");
    let (old, new) = (token(KEY), token(NEW_KEY));
    let statuses = |server: &Guarded| {
        [&old, &new].map(|token| server.status("POST", "/events/news%2Fa", &[&bearer(token)]))
    };
    assert_eq!(statuses(&server), [200, 401]);
    let mut stream = server.send("GET", "/events/news%2Fa", &[&bearer(&old)]);
    stream.block();
    for broken in ["", " \n", "-----BEGIN PUBLIC KEY-----\nhunter2\n", "{\"keys\": []}"] {
        std::fs::write(&server.key, broken).unwrap();
        server.server.signal("-HUP");
        assert!(server.server.line("not reloaded").contains("ERROR"));
        assert_eq!(statuses(&server), [200, 401], "{broken:?}");
        assert!(stream.block().starts_with("data: x\n"));
    }
    std::fs::remove_file(&server.key).unwrap();
    server.server.signal("-HUP");
    server.server.line("not reloaded");
    assert_eq!(statuses(&server), [200, 401], "no file");
    assert!(stream.block().starts_with("data: x\n"));
    std::fs::write(&server.key, NEW_KEY).unwrap();
    server.server.signal("-HUP");
    server.server.line(" reloaded");
    assert_eq!(statuses(&server), [401, 200]);
    assert!(stream.block().starts_with("data: x\n"), "streams that were let in go on");
    assert_secret(&server.log(), &[&old, &new]);
}
