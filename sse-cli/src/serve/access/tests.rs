//! Tests of access through the router.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use sse_hub::Hub;
use tokio::time::Instant;

use super::super::arguments::tests::parse;
use super::super::metrics::Counters;
use super::super::routes::router;
use super::Access;
use super::issuer::{Issuer, SECRET, altered, claims, seconds};

struct App {
    service: TowerToHyperService<Router>,
    access: Access,
    issuer: Issuer,
}

impl App {
    /// A server on a public address, with these options.
    fn new(options: &[&str]) -> Self {
        let arguments = parse(options);
        let access = Access::new(&arguments.access, false).unwrap();
        let hub = Hub::new(arguments.hub());
        let service = TowerToHyperService::new(router(&arguments, hub, access.clone(), Counters::new()));
        Self { service, access, issuer: Issuer::hmac(SECRET) }
    }

    fn jwt(options: &[&str]) -> Self {
        Self::new(&[&["--jwt-key", SECRET], options].concat())
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "hub.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.service.call(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    async fn status(&self, method: Method, path: &str, token: &str) -> u16 {
        let bearer = format!("Bearer {token}");
        self.send(method, path, &[("authorization", &bearer)], "x").await.status().as_u16()
    }

    fn token(&self, publish: &[&str], subscribe: &[&str]) -> String {
        self.issuer.token(&claims(publish, subscribe))
    }

    async fn listed(&self, query: &str, token: &str) -> Value {
        let bearer = format!("Bearer {token}");
        let answer =
            self.send(Method::GET, &format!("/topics{query}"), &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status(), 200);
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }
}

#[tokio::test]
async fn each_request_needs_the_right_for_each_of_its_topics() {
    let app = App::jwt(&[]);
    let token = app.token(&["news/*", "a"], &["b", "news/*"]);
    for (method, path, expected) in [
        (Method::POST, "/events/a", 200),
        (Method::POST, "/events/news%2Fx", 200),
        (Method::POST, "/events/news", 403),
        (Method::POST, "/events/b", 403),
        (Method::GET, "/events/b", 200),
        (Method::GET, "/events/news%2Fx", 200),
        (Method::GET, "/events/a", 403),
        (Method::HEAD, "/events/b", 200),
        (Method::HEAD, "/events/a", 403),
        (Method::GET, "/events?topic=b", 200),
        (Method::GET, "/events?topic=b&topic=news/y", 200),
        (Method::GET, "/events?topic=b&topic=a", 403),
        (Method::GET, "/events?topic=b,a", 403),
        (Method::DELETE, "/events/b", 403),
        (Method::DELETE, "/events/a", 204),
        (Method::GET, "/metrics", 403),
        (Method::GET, "/topics", 200),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/", 200),
    ] {
        assert_eq!(app.status(method.clone(), path, &token).await, expected, "{method} {path}");
    }
    assert_eq!(app.status(Method::GET, "/metrics", &app.token(&[], &["*"])).await, 200);
    let batch =
        [("content-type", "application/vnd.sse+json"), ("authorization", &*format!("Bearer {token}"))];
    let body = r#"[{"data": "1"}, {"data": "2"}]"#;
    assert_eq!(app.send(Method::POST, "/events/c", &batch, body).await.status(), 403);
    assert_eq!(app.send(Method::POST, "/events/news%2Fb", &batch, body).await.status(), 200);
}

#[tokio::test]
async fn refusals_challenge_and_say_what_to_do() {
    let app = App::jwt(&[]);
    for (authorization, status, challenge, part) in [
        (None, 401, "Bearer", "Authorization: Bearer"),
        (Some("x"), 401, "Bearer error=\"invalid_token\"", "JWT"),
        (Some(&*app.token(&[], &["b"])), 403, "Bearer error=\"insufficient_scope\"", "sse.subscribe"),
    ] {
        let bearer = authorization.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer.iter().map(|value| ("authorization", &**value)).collect();
        let answer = app.send(Method::GET, "/events/a", &headers, "").await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[header::WWW_AUTHENTICATE]),
            (status, &challenge.parse().unwrap())
        );
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(str::from_utf8(&text).unwrap().contains(part), "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_token_expires() {
    for (path, leeway) in [("/events/t", "0"), ("/events?topic=t&topic=u", "0"), ("/events/t", "30")] {
        let app = App::jwt(&["--keep-alive", "5", "--jwt-leeway", leeway]);
        let token = app.issuer.token(&altered(&json!({"exp": seconds(60)})));
        let answer = app
            .send(
                Method::GET,
                &format!("{path}{}access_token={token}", if path.contains('?') { '&' } else { '?' }),
                &[],
                "",
            )
            .await;
        assert_eq!(answer.status(), 200);
        let start = Instant::now();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        let lived = start.elapsed().as_secs_f64() - leeway.parse::<f64>().unwrap();
        assert!((50.0..=60.0).contains(&lived), "{path}: {lived}");
        let text = str::from_utf8(&text).unwrap();
        assert!(
            text.contains("\n: \n") && text.lines().last() == Some("") && text.contains("\nretry: "),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_needs_no_jwt_does_not_end_with_one() {
    for options in [&["--subscribe-token", "s"][..], &["--anyone-may-subscribe"]] {
        let app = App::jwt(options);
        let answer = app.send(Method::GET, "/events/t", &[("authorization", "Bearer s")], "").await;
        let body = answer.into_body().collect();
        assert!(tokio::time::timeout(Duration::from_secs(100_000), body).await.is_err(), "{options:?}");
    }
}

#[tokio::test]
async fn tokens_of_options_and_jwts_work_side_by_side() {
    let app = App::jwt(&["--publish-token", "p", "--subscribe-token", "s"]);
    let everything = app.token(&["*"], &["*"]);
    for (method, path, token, expected) in [
        (Method::POST, "/events/t", "p", 200),
        (Method::POST, "/events/t", "s", 401),
        (Method::POST, "/events/t", &everything, 200),
        (Method::GET, "/events/t", "s", 200),
        (Method::GET, "/events/t", "p", 401),
        (Method::GET, "/events/t", &everything, 200),
        (Method::GET, "/metrics", "s", 200),
    ] {
        assert_eq!(app.status(method.clone(), path, token).await, expected, "{method} {path} {token}");
    }
    let free = App::jwt(&["--anyone-may-publish"]);
    assert_eq!(free.status(Method::POST, "/events/t", "x").await, 200);
    assert_eq!(free.status(Method::GET, "/events/t", "x").await, 401);
    let free = App::jwt(&["--anyone-may-subscribe"]);
    assert_eq!(free.status(Method::POST, "/events/t", "x").await, 401);
    assert_eq!(free.status(Method::GET, "/events/t", "x").await, 200);
}

#[tokio::test]
async fn only_topics_that_the_token_may_follow_are_listed() {
    let app = App::jwt(&["--max-topics", "5000"]);
    let publisher = app.token(&["*"], &[]);
    for number in 0..1500 {
        assert_eq!(app.status(Method::POST, &format!("/events/m{number:04}"), &publisher).await, 200);
    }
    for name in ["a", "news%2Fa", "news%2Fb", "news", "z"] {
        assert_eq!(app.status(Method::POST, &format!("/events/{name}"), &publisher).await, 200);
    }
    let names = |page: &Value| -> Vec<String> {
        page["topics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|topic| topic["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let token = app.token(&[], &["z", "news/*", "m0007", "m149*", "absent"]);
    let mut seen = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = app.listed(&query, &token).await;
        seen.extend(names(&page));
        let Some(next) = page["next"].as_str() else { break };
        assert!(seen.iter().any(|name| name == next), "a foreign name is not a cursor");
        query = format!("?limit=3&after={next}");
    }
    let mut expected: Vec<_> = (1490..1500).map(|number| format!("m{number}")).collect();
    expected.insert(0, "m0007".into());
    expected.extend(["news/a".into(), "news/b".into(), "z".into()]);
    assert_eq!(seen, expected);
    assert_eq!(names(&app.listed("?limit=1000", &app.token(&[], &["*"])).await).len(), 1000);
    assert!(names(&app.listed("", &publisher).await).is_empty());
}

#[tokio::test]
async fn names_are_listed_on_loopback_or_for_a_token() {
    let status =
        async |options: &[&str], token: &str| App::new(options).status(Method::GET, "/topics", token).await;
    assert_eq!(status(&[], "x").await, 403, "a public server without tokens");
    assert_eq!(status(&["--publish-token", "p"], "x").await, 401);
    assert_eq!(status(&["--publish-token", "p"], "p").await, 200);
    assert_eq!(status(&["--publish-token", "p", "--subscribe-token", "s"], "p").await, 401);
    assert_eq!(status(&["--subscribe-token", "s"], "s").await, 200);
}

#[tokio::test]
async fn metrics_name_topics_only_to_clients_that_may_list_them() {
    let app = App::new(&["--publish-token", "p"]);
    assert_eq!(app.status(Method::POST, "/events/secret", "p").await, 200);
    for (token, named) in [("x", false), ("p", true)] {
        let bearer = format!("Bearer {token}");
        let answer = app.send(Method::GET, "/metrics", &[("authorization", &bearer)], "").await;
        assert_eq!(answer.status(), 200, "anyone may follow");
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        let text = str::from_utf8(&text).unwrap();
        assert!(text.contains("sse_topics 1\n"), "{text}");
        assert_eq!(text.contains("secret"), named, "{text}");
    }
}

#[tokio::test]
async fn a_cookie_counts_from_own_or_named_pages_only() {
    let app = App::jwt(&["--cors-origin", "https://named.example", "--token-cookie", "who"]);
    let cookie = format!("other=1; who={}", app.token(&["*"], &["*"]));
    let status = async |method, headers: &[(&str, &str)]| {
        let headers = [&[("cookie", &*cookie)], headers].concat();
        app.send(method, "/events/t", &headers, "x").await.status().as_u16()
    };
    for method in [Method::GET, Method::POST] {
        assert_eq!(status(method.clone(), &[("origin", "https://hub.example")]).await, 200);
        assert_eq!(status(method.clone(), &[("origin", "https://named.example")]).await, 200);
        assert_eq!(status(method.clone(), &[("sec-fetch-site", "same-origin")]).await, 200);
        assert_eq!(status(method.clone(), &[("origin", "https://evil.example")]).await, 403);
        assert_eq!(status(method.clone(), &[("sec-fetch-site", "cross-site")]).await, 401);
        assert_eq!(status(method.clone(), &[]).await, 401);
        let header = [("origin", "https://hub.example"), ("authorization", "Bearer x")];
        assert_eq!(status(method, &header).await, 401, "the header is the token, whatever the cookie");
    }
    let answer = app.send(Method::GET, "/events/t", &[("cookie", &cookie)], "").await;
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(str::from_utf8(&text).unwrap().contains("Sec-Fetch-Site"), "{text:?}");
    let any = App::jwt(&["--cors-origin", "*", "--token-cookie", "who"]);
    let page = [("cookie", &*cookie), ("origin", "https://other.example")];
    assert_eq!(any.send(Method::GET, "/events/t", &page, "").await.status(), 401, "* names nobody");
}

#[tokio::test]
async fn keys_are_read_again_and_a_bad_file_keeps_all_old_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
    let (old, new) = (Issuer::p256(), Issuer::p256());
    write("key", &old.public);
    write("token", "first");
    let (key, token) = (path("key"), path("token"));
    let app =
        App::new(&["--jwt-key-file", key.to_str().unwrap(), "--publish-token-file", token.to_str().unwrap()]);
    let valid = async || {
        let mut statuses = Vec::new();
        for token in [&*old.token(&claims(&["*"], &[])), &*new.token(&claims(&["*"], &[])), "first", "second"]
        {
            statuses.push(app.status(Method::POST, "/events/t", token).await);
        }
        statuses
    };
    assert_eq!(valid().await, [200, 401, 200, 401]);
    write("token", "second");
    for bad in ["", "-----BEGIN PUBLIC KEY-----", "{\"keys\": []}"] {
        write("key", bad);
        assert!(app.access.reload().is_err());
        assert_eq!(valid().await, [200, 401, 200, 401], "the token that could be read stays old as well");
    }
    write("key", &new.public);
    app.access.reload().unwrap();
    assert_eq!(valid().await, [401, 200, 401, 200]);
}
