//! Tests of `sse serve --data`: acknowledged events survive the process.

#![cfg(all(unix, feature = "disk"))]
#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

mod server;

use server::Server;

fn start(directory: &Path) -> Server {
    Server::start(&["--data", directory.to_str().unwrap(), "--max-rate", "0"])
}

/// Publishes, and returns the ID of the event.
async fn publish(server: &Server, data: &str) -> String {
    let url = format!("http://{}/events/t", server.address);
    let response = reqwest::Client::new().post(url).body(data.to_owned()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap().split('"').nth(3).unwrap().to_owned()
}

/// Follows from an ID on until `last` came.
async fn follow(server: &Server, id: &str, last: &str) -> String {
    let request = reqwest::Client::new().get(format!("http://{}/events/t", server.address));
    let mut response = request.header("Last-Event-ID", id).send().await.unwrap();
    let mut text = String::new();
    while !text.contains(&format!("data: {last}\n")) {
        text += str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    text
}

#[tokio::test]
async fn acknowledged_events_survive_kill_9_and_are_resumed_without_a_gap() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data");
    let mut server = start(&directory);
    let mut ids = Vec::new();
    for number in 1..=20 {
        ids.push(publish(&server, &format!("event {number}")).await);
    }
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    // SIGKILL.
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let server = start(&directory);
    let text = follow(&server, &ids[4], "event 20").await;
    assert!(!text.contains("event: gap"), "{text}");
    let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(data, (6..=20).map(|number| format!("event {number}")).collect::<Vec<_>>());
    // And after a clean end.
    let next = publish(&server, "event 21").await;
    assert!(!ids.contains(&next));
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let mut server = server;
    assert!(server.child.wait().unwrap().success());
    let server = start(&directory);
    assert!(!follow(&server, &ids[19], "event 21").await.contains("event: gap"));
}

#[tokio::test]
async fn a_second_process_on_the_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let second = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(directory.path())
        .output()
        .unwrap();
    let error = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{error}");
    assert!(error.contains("another process uses this directory"), "{error}");
    publish(&server, "the first goes on").await;
}

#[tokio::test]
async fn readiness_and_health_have_separate_probes() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    for path in ["healthz", "readyz"] {
        let response = reqwest::get(format!("http://{}/{path}", server.address)).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_batch_larger_than_what_stays_in_memory_is_kept_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let server = Server::start(&["--data", data, "--history-events", "3", "--history-bytes", "100"]);
    let url = format!("http://{}/events/t", server.address);
    let batch: Vec<_> =
        (1..=9).map(|number| format!(r#"{{"data":"event {number} {}"}}"#, "x".repeat(50))).collect();
    let post = reqwest::Client::new().post(url).header("Content-Type", "application/vnd.sse+json");
    let response = post.body(format!("[{}]", batch.join(","))).send().await.unwrap();
    assert_eq!(response.status(), 200, "--data-bytes alone bounds what is kept");
    publish(&server, "last").await;
    let text = follow(&server, "earliest", "last").await;
    assert!(!text.contains("event: gap"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("data: ")).count(), 10);
}

#[tokio::test]
async fn topics_on_disk_are_listed_before_they_are_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = start(directory.path());
    let mut ids = Vec::new();
    for topic in ["a", "b", "c"] {
        let url = format!("http://{}/events/{topic}", server.address);
        let response = reqwest::Client::new().post(url).body("x").send().await.unwrap();
        ids.push(response.text().await.unwrap().split('"').nth(3).unwrap().to_owned());
    }
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let server = start(directory.path());
    let url = format!("http://{}", server.address);
    let list = |query: &str| {
        let url = format!("{url}/topics{query}");
        async move { reqwest::get(url).await.unwrap().text().await.unwrap() }
    };
    let first = list("?limit=2").await;
    assert!(first.contains(r#""next":"b""#) && first.contains(&ids[0]) && first.contains(&ids[1]), "{first}");
    assert!(!first.contains(&ids[2]), "{first}");
    let second = list("?limit=2&after=b").await;
    assert!(second.contains(r#""next":null"#) && second.contains(&ids[2]), "{second}");
    let ended = reqwest::Client::new().delete(format!("{url}/events/b")).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    let rest = list("").await;
    assert!(rest.contains(&ids[0]) && !rest.contains(r#""b""#) && rest.contains(&ids[2]), "{rest}");
}
