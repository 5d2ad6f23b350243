//! Tracing shows connections, never data, credentials or queries.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use sse_test::Reply;
use sse_test::paused::Server;
use support::{builder, listen};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn connections_are_traced_and_secrets_are_not() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .without_time()
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);

    let server = Server::start([
        Reply::stream("id: secret\ndata: secret\n\n"),
        Reply::raw("").reset(),
        Reply::status(500, "", "secret"),
    ])
    .await;
    let source = builder(&server, "/live?token=secret").header("authorization", "Bearer secret").build();
    listen(&mut source.unwrap()).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<_> = log.lines().filter(|line| line.contains(": sse_http: ")).collect();
    let url = server.url("/live");
    let line = |level: &str, what: &str| format!("{level} event_source{{url=\"{url}\"}}: sse_http: {what}");
    assert_eq!(ours[0], line("DEBUG", "connecting attempt=0"));
    assert_eq!(ours[1], line("DEBUG", "open version=HTTP/1.1"));
    assert_eq!(ours[2], line(" WARN", "disconnected cause=the response ended attempt=1 delay=1s"));
    assert_eq!(ours[3], line("DEBUG", "connecting attempt=1"));
    assert!(ours[4].contains("disconnected cause=the connection failed error="), "{}", ours[4]);
    assert_eq!(ours[5], line("DEBUG", "connecting attempt=2"));
    assert_eq!(ours[6], line(" WARN", "closed reason=the server answered with status 500 instead of 200"));
    assert_eq!(ours.len(), 7);
    assert!(!ours.concat().contains("secret"), "{ours:?}");
}
