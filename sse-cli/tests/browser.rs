//! Third-party clients against the server: headless Chromium, npm packages, and nginx in between.
//!
//! They need programs that cargo does not install; `scripts/browser-tests.sh` does, and runs them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

#[path = "browser/app.rs"]
mod app;

use std::path::Path;

/// Runs a file of tests in Node, with the address of [`app`] and the path of `sse` in its
/// environment.
async fn node(file: &str) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app::router()).await });
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let status = tokio::process::Command::new("node")
        .args(["--test", "--test-force-exit", "--test-timeout=240000", file])
        .current_dir(directory)
        .env("APP", format!("http://{address}"))
        .env("SSE", env!("CARGO_BIN_EXE_sse"))
        .status()
        .await
        .expect("node is installed");
    assert!(status.success(), "see above");
}

#[tokio::test]
#[ignore = "needs Chromium and npm packages: run scripts/browser-tests.sh"]
async fn chromium() {
    node("chromium.test.mjs").await;
}

#[tokio::test]
#[ignore = "needs Chromium and npm packages: run scripts/browser-tests.sh"]
async fn page() {
    node("page.test.mjs").await;
}

#[tokio::test]
#[ignore = "needs Chromium, nginx and npm packages: run scripts/browser-tests.sh"]
async fn page_of_several_topics() {
    node("topics.test.mjs").await;
}

#[tokio::test]
#[ignore = "needs npm packages: run scripts/browser-tests.sh"]
async fn npm_clients() {
    node("clients.test.mjs").await;
}

#[tokio::test]
#[ignore = "needs nginx: run scripts/browser-tests.sh"]
async fn nginx() {
    node("nginx.test.mjs").await;
}
