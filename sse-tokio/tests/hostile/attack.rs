//! A server that sends one piece, and then repeats another without end; and the outcome for the
//! client.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sse_tokio::{Cause, CloseReason, Config, Error, EventRef, EventSource, ReconnectPolicy, reqwest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::heap;
use sse_test::millis;

pub(crate) const MIB: i64 = 1 << 20;

/// Outcome of an attack on a client that connects once.
pub(crate) struct Outcome {
    pub(crate) error: Error,
    /// Number of bytes that the server sent to the client.
    pub(crate) sent: usize,
    /// The largest heap of client and server together, in bytes.
    pub(crate) peak: i64,
    /// How many events, comments and skipped blocks arrived before the end.
    pub(crate) events: usize,
}

impl Outcome {
    pub(crate) fn reason(&self) -> CloseReason {
        self.error.reason().unwrap()
    }

    /// The error and what caused it, in words.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.error.to_string();
        let mut source = self.error.source();
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        text
    }
}

pub(crate) fn gave_up(cause: Cause) -> CloseReason {
    CloseReason::GaveUp { cause, attempts: 0 }
}

/// A client of a server that says `start`, and then `piece` until the client hangs up.
pub(crate) fn attack(scheme: &str, start: &str, piece: &[u8], config: Config) -> Outcome {
    attack_with(|http| http, |sent| !sent.is_empty(), scheme, start.as_bytes(), piece, config)
}

/// An attack on a client with its own HTTP; `asked` knows whether what it sent is a request yet.
pub(crate) fn attack_with(
    http: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    asked: fn(&[u8]) -> bool,
    scheme: &str,
    start: &[u8],
    piece: &[u8],
    config: Config,
) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (outcome, _) = heap::measure(|| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
            let sent = Arc::new(AtomicUsize::new(0));
            let (start, piece, count) = (start.to_owned(), piece.to_owned(), Arc::clone(&sent));
            tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !asked(&request) {
                    assert!(socket.read_buf(&mut request).await.unwrap() > 0);
                }
                socket.write_all(&start).await.unwrap();
                while !piece.is_empty() && socket.write_all(&piece).await.is_ok() {
                    count.fetch_add(piece.len(), Ordering::Relaxed);
                    sleep(millis(10)).await;
                }
                // Silence, until the client has had enough.
                while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
            });
            let policy = ReconnectPolicy::never();
            let http = http(reqwest::Client::builder().tls_certs_only([]).no_proxy());
            let mut source = EventSource::builder(url)
                .config(config.with_policy(policy))
                .client_builder(http)
                .build()
                .unwrap();
            let mut events = 0;
            let error = loop {
                match source.next_event().await.unwrap() {
                    Ok(EventRef::Open(_)) => {}
                    Ok(_) => events += 1,
                    Err(error) => break error,
                }
            };
            Outcome { error, sent: sent.load(Ordering::Relaxed), peak: heap::heap().peak, events }
        })
    });
    outcome
}
