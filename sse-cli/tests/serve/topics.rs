//! Topics: their limit, their end, and their listing.

use std::process::Command;

use super::Server;

#[test]
fn head_returns_the_newest_id_without_a_stream() {
    let server = Server::start(&["--max-topics", "2"]);
    let before = server.request("HEAD", "/events/t", &[], "");
    assert_eq!((before.status, before.header("content-type")), (200, Some("text/event-stream")));
    let before = before.header("last-event-id").unwrap().to_owned();
    for name in ["a", "b", "c"] {
        assert_eq!(
            server.request("HEAD", &format!("/events/{name}"), &[], "").status,
            200,
            "it makes no topic"
        );
    }
    let first = server.publish("/events/t", "one");
    let second = server.publish("/events/t", "two");
    assert_eq!(server.request("HEAD", "/events/t", &[], "").header("last-event-id"), Some(&*second));
    let mut joined = server.get("/events/t", &[&format!("Last-Event-ID: {before}")]);
    assert_eq!(joined.header("last-event-id"), Some(&*second));
    joined.block();
    assert!(joined.block().starts_with("data: one\n"), "no hole between the state and the stream");
    let mut earliest = server.get("/events/t?lastEventID=earliest", &[]);
    assert!(earliest.block().starts_with("retry: "));
    assert_eq!(earliest.block(), format!("data: one\nid: {first}\n\n"));
    assert_eq!(server.request("HEAD", "/events/a%0Ab", &[], "").status, 400);
    for names in ["topic=d&topic=e", "topic=f"] {
        let head = server.request("HEAD", &format!("/events?{names}"), &[], "");
        assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    }
    for refused in ["", "?topic=a%0Ab", &format!("?topic={}", "n".repeat(4096))] {
        assert_eq!(server.request("HEAD", &format!("/events{refused}"), &[], "").status, 400, "{refused}");
    }
    let listed = server.get("/topics", &[]).text();
    assert!(listed.contains("\"t\"") && !listed.contains("\"d\""), "it makes no topic: {listed}");
}

#[test]
fn a_subscriber_of_a_quiet_topic_resumes_without_a_gap() {
    let server = Server::start(&[]);
    let mut fresh = server.get("/events/fresh", &[]);
    let place = fresh.block();
    let id = place.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(fresh);
    for other in ["/events/b", "/events/c"] {
        server.get(other, &[]).block();
        server.publish(other, "x");
    }
    let mut again = server.get("/events/fresh", &[&format!("Last-Event-ID: {id}")]);
    assert_eq!(again.block(), "retry: 3000\n\n");
    server.publish("/events/fresh", "first");
    assert!(again.block().starts_with("data: first\n"), "nothing was missed");
}

#[test]
fn a_topic_ends_and_its_name_is_free_after_a_while() {
    let server = Server::start(&["--ended-for", "3600", "--retry", "700", "--retry-spread", "0"]);
    assert_eq!(server.request("DELETE", "/events/t", &[], "").status, 404);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let id = server.publish("/events/t", "last");
    live.block();
    assert_eq!(server.request("DELETE", "/events/t", &[], "").status, 204);
    assert_eq!(live.text(), "retry: 700\n\n");
    assert_eq!(server.get("/events/t", &[&format!("Last-Event-ID: {id}")]).status, 204);
    assert_eq!(server.request("HEAD", "/events/t", &[], "").status, 204);
    assert_eq!(server.post("/events/t", &[], "x").0, 410);
    assert_eq!(server.request("DELETE", "/events/t", &[], "").status, 404);

    let server = Server::start(&["--ended-for", "1"]);
    server.publish("/events/t", "last");
    assert_eq!(server.request("DELETE", "/events/t", &[], "").status, 204);
    let mut statuses = std::iter::repeat_with(|| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        server.post("/events/t", &[], "again").0
    });
    assert_eq!(statuses.find(|status| *status != 410), Some(200));
}

#[test]
fn only_publishers_end_a_topic() {
    let server = Server::start(&["--publish-token", "p", "--subscribe-token", "s"]);
    let publisher = "Authorization: Bearer p";
    assert_eq!(server.post("/events/t", &[publisher], "x").0, 200);
    for headers in [&[][..], &["Authorization: Bearer s"]] {
        assert_eq!(server.request("DELETE", "/events/t", headers, "").status, 401);
    }
    let foreign = [publisher, "Origin: https://evil.example"];
    assert_eq!(server.request("DELETE", "/events/t", &foreign, "").status, 403);
    assert_eq!(server.request("DELETE", "/events/t", &[publisher, "Host: rebound.example"], "").status, 403);
    assert_eq!(server.request("DELETE", "/events/t", &[publisher], "").status, 204);
}

#[test]
fn topics_are_listed_by_pages_to_clients_that_may_follow_them() {
    let server = Server::start(&[]);
    let id = server.publish("/events/b", "x");
    let mut live = server.get("/events/a", &[]);
    live.block();
    server.publish("/events/c", "x");
    let page = server.get("/topics?limit=2", &[]).text();
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["topics"][0]["name"], "a");
    assert_eq!(page["topics"][0]["subscribers"], 1);
    assert_eq!(page["topics"][1]["last_event_id"], id);
    assert_eq!(page["next"], "b");
    let rest = server.get("/topics?after=b", &[]).text();
    let rest: serde_json::Value = serde_json::from_str(&rest).unwrap();
    assert_eq!((rest["topics"].as_array().unwrap().len(), &rest["next"]), (1, &serde_json::Value::Null));

    let guarded = Server::start(&["--subscribe-token", "s"]);
    assert_eq!(guarded.get("/topics", &[]).status, 401);
    assert_eq!(guarded.get("/topics", &["Authorization: Bearer s"]).status, 200);
}

#[test]
fn probes_are_answered_under_any_host_name() {
    let server = Server::start(&["--host", "events.example"]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path, &["Host: 10.1.2.3:8080"]).status, 200, "{path}");
    }
    assert_eq!(server.get("/metrics", &["Host: 10.1.2.3:8080"]).status, 403);
}

#[test]
fn names_are_listed_on_this_machine_and_not_through_a_proxy() {
    let server = Server::start(&["--host", "events.example"]);
    server.publish("/events/secret", "x");
    assert_eq!(server.get("/topics", &[]).status, 200);
    assert!(server.get("/metrics", &[]).text().contains("secret"));
    let proxied = ["Host: events.example"];
    assert_eq!(server.get("/topics", &proxied).status, 403);
    assert!(!server.get("/metrics", &proxied).text().contains("secret"));
}

#[test]
fn a_refusal_of_a_path_or_a_method_says_what_to_do() {
    let server = Server::start(&[]);
    for (method, path, status, part) in [
        ("POST", "/events/news/sport", 404, "%2F"),
        ("GET", "/events/news/", 404, "%2F"),
        ("GET", "/events/", 404, "/events/TOPIC"),
        ("GET", "/other", 404, "/events/TOPIC"),
        ("PATCH", "/events/a", 405, "Allow"),
        ("POST", "/healthz", 405, "Allow"),
    ] {
        let answer = server.request(method, path, &[], "");
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{}", answer.head);
        let text = answer.text();
        assert!(text.contains(part), "{method} {path}: {text}");
    }
}

#[test]
fn a_stream_ends_after_its_age_and_the_client_resumes() {
    let server = Server::start(&["--max-age", "1", "--retry", "100", "--retry-spread", "200"]);
    let mut live = server.get("/events/t", &[]);
    live.block();
    let rest = live.text();
    let retry: u64 = rest.strip_prefix("retry: ").unwrap().trim_end().parse().unwrap();
    assert!((100..=300).contains(&retry), "{rest}");
}

#[test]
fn pages_of_listed_origins_may_delete_and_see_the_last_event_id() {
    let server = Server::start(&["--cors-origin", "https://good.example"]);
    let ask = ["Origin: https://good.example", "Access-Control-Request-Method: DELETE"];
    let preflight = server.request("OPTIONS", "/events/t", &ask, "");
    let allowed = |name| preflight.header(name).unwrap();
    assert!(allowed("access-control-allow-methods").contains("delete"));
    assert!(allowed("access-control-allow-headers").contains("idempotency-key"));
    let stream = server.get("/events/t", &ask[..1]);
    assert!(stream.header("access-control-expose-headers").unwrap().contains("last-event-id"));
    assert!(stream.header("last-event-id").is_some());
}

#[test]
fn help_says_how_to_publish_json() {
    let output = Command::new(env!("CARGO_BIN_EXE_sse")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("application/vnd.sse+json") && help.contains("Idempotency-Key"), "{help}");
}

#[test]
fn several_topics_come_over_one_connection_and_resume_exactly() {
    let server = Server::start(&["--retry", "7"]);
    let mut both = server.get("/events?topic=a&topic=b,c&topic=a&label=type", &[]);
    assert_eq!(both.status, 200);
    for _ in 0..2 {
        assert!(both.block().starts_with("retry: 7\nid: "), "the place in each topic");
    }
    server.post("/events/b,c", &["Sse-Event: price"], "1");
    let block = both.block();
    assert!(block.starts_with("event: b,c:price\ndata: 1\nid: a="), "{block}");
    let id = block.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(both);
    server.publish("/events/a", "2");
    let mut again = server.get("/events?topic=a&topic=b,c", &[&format!("Last-Event-ID: {id}")]);
    let blocks: String = (0..3).map(|_| again.block()).collect();
    assert!(blocks.contains("data: 2\nid: ") && !blocks.contains("data: 1"), "{blocks}");

    assert_eq!(server.get("/events", &[]).status, 400);
    let many: String = (0..33).map(|n| format!("&topic=t{n}")).collect();
    assert_eq!(server.get(&format!("/events?{many}"), &[]).status, 400);
    let long = format!("Last-Event-ID: {}", "x".repeat(4097));
    assert_eq!(server.get("/events?topic=a", &[&long]).status, 400);
}
