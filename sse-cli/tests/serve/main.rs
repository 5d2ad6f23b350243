//! `sse serve` as a process, over sockets.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::process::Command;

use futures_util::future;

mod endings;
mod http;
mod jwt;
mod metrics;
mod operating;
mod publishing;
#[path = "../server/mod.rs"]
mod server;
mod service;
mod topics;

use server::Server;

#[test]
fn a_subscriber_follows_live_and_replays_after_an_id() {
    let server = Server::start(&["--retry", "1500"]);
    let mut live = server.get("/events/a%20b", &[]);
    assert_eq!(live.status, 200);
    assert!(live.head.contains("content-type: text/event-stream\r\n"), "{}", live.head);
    assert!(live.head.contains("x-accel-buffering: no\r\n"));
    assert!(live.block().starts_with("retry: 1500\nid: "), "its place");

    let first = server.publish("/events/a%20b", "one\ntwo");
    assert_eq!(live.block(), format!("data: one\ndata: two\nid: {first}\n\n"));
    let (_, answer) = server.post("/events/a%20b", &["Sse-Event: é", "Sse-Id: mine"], "");
    assert_eq!(answer, "{\"ids\":[\"mine\"]}\n");
    assert_eq!(live.block(), "event: é\ndata: \nid: mine\n\n");

    for mut again in [
        server.get("/events/a%20b", &[&format!("Last-Event-ID: {first}")]),
        server.get(&format!("/events/a%20b?lastEventId={first}"), &[]),
    ] {
        assert_eq!(again.block(), "retry: 1500\n\n");
        assert_eq!(again.block(), "event: é\ndata: \nid: mine\n\n");
    }
    let mut other = server.get("/events/other", &[]);
    other.block();
    server.publish("/events/other", "x");
    assert!(other.block().starts_with("data: x\nid: "), "nothing of the other topic");
}

#[test]
fn a_restart_without_a_durable_log_is_a_gap() {
    let id = {
        let server = Server::start(&[]);
        server.publish("/events/t", "lost")
    };
    let server = Server::start(&[]);
    server.publish("/events/t", "new");
    let mut stream = server.get("/events/t", &[&format!("Last-Event-ID: {id}")]);
    assert_eq!(stream.block(), "retry: 3000\n\n");
    let gap = stream.block();
    assert!(gap.starts_with("event: gap\ndata: {\"missed\":null}\nid: "), "{gap}");
    assert!(stream.block().starts_with("data: new\nid: "));
}

#[test]
fn publishing_and_following_need_their_own_tokens() {
    let server = Server::start(&["--publish-token", "p", "--subscribe-token", "s"]);
    let refused = server.get("/events/t", &[]);
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("www-authenticate: bearer"));
    assert_eq!(server.get("/events/t", &["Authorization: Bearer p"]).status, 401);
    assert_eq!(server.get("/metrics", &[]).status, 401);
    assert_eq!(server.post("/events/t", &["Authorization: Bearer s"], "x").0, 401);
    assert_eq!(server.post("/events/t?access_token=p", &[], "x").0, 401, "a POST can set its header");
    assert_eq!(server.get("/events/t", &["Authorization: Bearer s"]).status, 200);
    assert_eq!(server.get("/events/t?access_token=s", &[]).status, 200);
    assert_eq!(server.post("/events/t", &["Authorization: Bearer p"], "x").0, 200);
    assert_eq!(server.get("/healthz", &[]).status, 200);
}

#[test]
fn foreign_host_names_and_origins_are_refused() {
    let server = Server::start(&["--cors-origin", "https://good.example", "--cors-credentials"]);
    assert_eq!(server.get("/events/t", &["Host: rebound.example"]).status, 403);
    assert_eq!(server.post("/events/t", &["Host: rebound.example"], "x").0, 403);
    assert_eq!(server.post("/events/t", &["Origin: https://evil.example"], "x").0, 403);
    assert_eq!(server.get("/", &["Host: rebound.example"]).status, 403);
    for twice in [
        ["Host: localhost", "Host: rebound.example"],
        ["Origin: http://localhost", "Origin: https://evil.example"],
    ] {
        assert_eq!(server.post("/events/t", &twice, "x").0, 400, "{twice:?}");
    }

    let allowed = server.get("/events/t", &["Origin: https://good.example"]);
    assert_eq!(allowed.status, 200);
    for header in ["allow-origin: https://good.example\r\n", "allow-credentials: true\r\n"] {
        assert!(allowed.head.contains(&format!("access-control-{header}")), "{}", allowed.head);
    }
    assert!(allowed.head.contains("vary: origin\r\n"));
    let own = server.get("/healthz", &["Origin: http://localhost"]);
    assert!(own.status == 200 && !own.head.contains("access-control"), "its own page needs no permission");

    let ask = ["Origin: https://good.example", "Access-Control-Request-Method: POST"];
    let preflight = server.request("OPTIONS", "/events/t", &ask, "");
    assert_eq!(preflight.status, 204);
    assert!(preflight.head.contains("access-control-allow-headers: authorization, "));
    assert_eq!(server.get("/healthz", &ask).status, 200, "only OPTIONS asks for permission");
}

#[test]
fn the_limits_of_topics_subscribers_bodies_and_rate_hold() {
    let server = Server::start(&["--max-body", "2000", "--max-rate", "2", "--max-subscribers", "1"]);
    assert_eq!(server.post("/events/t", &[], &"x".repeat(2001)).0, 413);
    // A hundred events at once use up the rate of two a second for most of a minute.
    let batch = format!("[{}]", [r#"{"data":""}"#; 100].join(","));
    assert_eq!(server.post("/events/t", &["Content-Type: application/vnd.sse+json"], &batch).0, 200);
    let limited = server.request("POST", "/events/t", &[], "x");
    assert!(limited.status == 429 && limited.head.contains("retry-after: "), "{}", limited.head);

    let mut only = server.get("/events/t", &[]);
    only.block();
    assert_eq!(server.get("/events/t", &[]).status, 503);
    assert_eq!(server.get(&format!("/events/{}", "n".repeat(129)), &[]).status, 400);
    assert_eq!(server.get("/events/a%0Ab", &[]).status, 400);
}

#[test]
fn subscribers_of_invented_names_leave_topics_for_publishers() {
    let server = Server::start(&["--max-topics", "4"]);
    let mut made_up = ["/events/a", "/events/b"].map(|topic| server.get(topic, &[]));
    for stream in &mut made_up {
        stream.block();
    }
    assert_eq!(server.get("/events/c", &[]).status, 503);
    for topic in ["/events/c", "/events/d"] {
        server.publish(topic, "x");
        assert_eq!(server.get(topic, &[]).status, 200);
    }
    assert_eq!(server.post("/events/e", &[], "x").0, 503, "there are four");
    server.publish("/events/a", "x");
    assert_eq!(server.get("/events/a", &[]).status, 200);
}

#[test]
fn sigterm_ends_streams_after_their_last_event() {
    let mut server = Server::start(&["--retry", "700", "--retry-spread", "0", "--grace", "60"]);
    let mut stream = server.get("/events/t", &[]);
    stream.block();
    server.publish("/events/t", "last");
    stream.block();
    server.terminate();
    assert_eq!(stream.text(), "retry: 700\n\n");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_subscriber_that_does_not_read_cannot_delay_the_shutdown() {
    let mut server =
        Server::start(&["--grace", "1", "--max-body", "100000000", "--history-bytes", "100000000"]);
    let stalled = server.get("/events/t", &[]);
    server.publish("/events/t", &"x".repeat(50_000_000));
    server.terminate();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    drop(stalled);
}

#[test]
fn metrics_and_the_page_are_served() {
    let server = Server::start(&[]);
    let mut stream = server.get("/events/t", &[]);
    stream.block();
    server.publish("/events/t", "x");
    stream.block();
    let metrics = server.get("/metrics", &[]).text();
    for row in
        ["sse_subscribers 1\n", "sse_topics 1\n", "sse_published_events_total 1\n", "sse_lag_events 0\n"]
    {
        assert!(metrics.contains(row), "{metrics}");
    }
    let page = server.get("/", &[]);
    assert!(page.head.contains("content-security-policy: default-src 'none'"));
    // Relative, so that a proxy can serve the page under a path.
    assert!(page.text().contains("src=\"page.js\""));
    for script in ["/page.js", "/log.js", "/topics.js"] {
        assert!(server.get(script, &[]).head.contains("content-type: text/javascript"), "{script}");
    }
    assert!(server.get("/stream.js", &[]).text().contains("EventSource"));
    assert!(server.get("/page.css", &[]).head.contains("content-type: text/css"));
}

#[test]
fn unsafe_settings_need_an_explicit_option() {
    for (arguments, why) in [
        (vec!["--listen", "0.0.0.0:0"], "--publish-token"),
        (vec!["--listen", "0.0.0.0:0", "--publish-token", ""], "a token or key is empty"),
        (vec!["--subscribe-token", ""], "a token or key is empty"),
        (vec!["--cors-origin", "*", "--cors-credentials"], "name the origins"),
        (vec!["--cors-origin", "null", "--cors-credentials"], "name the origins"),
        (vec!["--jwt-key", "pw"], "32 bytes at least"),
        (vec!["--jwt-key", "issuer.pem"], "use --jwt-key-file"),
        (vec!["--jwt-key", "/etc/sse/keys/of-the-login-service/issuer"], "use --jwt-key-file"),
        (vec!["--publish-token", "./token"], "use --publish-token-file"),
        (vec!["--cert", "x.pem"], "--key"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_sse")).arg("serve").args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(why), "{error}");
    }
}

/// Browsers open six connections to a host over HTTP/1.1; over HTTP/2 one carries all.
#[tokio::test]
async fn https_speaks_http_2_and_carries_many_streams() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = std::env::temp_dir().join(format!("sse-serve-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&cert, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let server = Server::start(&["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    std::fs::remove_dir_all(&directory).unwrap();

    let root = reqwest::Certificate::from_pem(certified.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let url = format!("https://localhost:{}/events/t", server.address.rsplit(':').next().unwrap());
    let mut streams = vec![];
    for _ in 0..100 {
        let mut response = client.get(&url).send().await.unwrap();
        assert_eq!(response.version(), reqwest::Version::HTTP_2);
        response.chunk().await.unwrap().unwrap();
        streams.push(response);
    }
    // Many times the window of a connection.
    let other = url.replace("/t", "/other");
    client.post(&other).body("y".repeat(1_000_000)).send().await.unwrap().error_for_status().unwrap();
    // Waiting bodies fill the flow-control window that the bodies under way need; none waits for
    // long.
    let posts = (0..100).map(|_| client.post(&other).body("y".repeat(100_000)).send());
    let statuses: Vec<_> = future::join_all(posts)
        .await
        .into_iter()
        .map(|response| response.unwrap().status().as_u16())
        .collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    client.post(&url).body("x").send().await.unwrap().error_for_status().unwrap();
    for stream in &mut streams {
        let chunk = stream.chunk().await.unwrap().unwrap();
        assert!(chunk.starts_with(b"data: x\nid: "));
    }
}
