//! This project's client and hub under load for any time, while servers and clients are restarted.
//!
//! `scripts/soak.sh SECONDS` runs it. Nothing may be lost or repeated, no descriptor may leak, and
//! memory has to stay flat.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program in the shape of a test")]

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::StreamExt;
use futures_util::future::join_all;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, Topic};
use sse_tokio::{Config, Event, EventSource, ReconnectPolicy, reqwest};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

const CLIENTS: u64 = 40;

#[derive(Default)]
struct Counts {
    published: AtomicU64,
    delivered: AtomicU64,
    reconnections: AtomicU64,
    client_restarts: AtomicU64,
    done: AtomicBool,
}

async fn events(State(topic): State<Topic>, id: LastEventId) -> impl IntoResponse {
    topic.subscribe(&id).await.unwrap()
}

/// A server whose end takes all its connections with it, at once.
fn serve(listener: TcpListener, app: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(app.clone());
            connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            while connections.try_join_next().is_some() {}
        }
    })
}

/// On an address that was used a moment ago.
fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(1024).unwrap()
}

/// Follows the numbers, and restarts after a number of them, like a process that kept its last
/// event ID.
async fn follow(url: String, mut id: String, client: u64, counts: Arc<Counts>) -> u64 {
    let mut next = 0;
    let policy = ReconnectPolicy::default().with_max(Duration::from_secs(1));
    loop {
        let config = Config::default().with_policy(policy).with_last_event_id(id.clone());
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let mut source = EventSource::builder(&url).config(config).client_builder(http).build().unwrap();
        let restart_at = next + 2000 + client * 37;
        while next < restart_at {
            // What is left at the end of the load arrives without a break, so silence is the end.
            let Ok(event) = timeout(Duration::from_secs(5), source.next()).await else {
                if counts.done.load(Ordering::Relaxed) {
                    return next;
                }
                continue;
            };
            match event.unwrap().unwrap() {
                Event::Message(message) => {
                    assert_eq!(message.event(), "message", "client {client}: {message:?} before {next}");
                    let number = message.data().split(' ').next().unwrap();
                    assert_eq!(number, next.to_string(), "client {client}: lost or repeated");
                    message.id().clone_into(&mut id);
                    next += 1;
                    counts.delivered.fetch_add(1, Ordering::Relaxed);
                }
                Event::Disconnected { .. } => {
                    counts.reconnections.fetch_add(1, Ordering::Relaxed);
                }
                _ => {}
            }
        }
        counts.client_restarts.fetch_add(1, Ordering::Relaxed);
    }
}

async fn publish(topic: Topic, counts: Arc<Counts>) {
    let filler = "lorem ipsum ".repeat(40);
    while !counts.done.load(Ordering::Relaxed) {
        let number = counts.published.load(Ordering::Relaxed);
        let length = (number * 7919 % 480) as usize;
        topic.publish(EventBuilder::new().data(&format!("{number} {}", &filler[..length]))).await.unwrap();
        counts.published.store(number + 1, Ordering::Relaxed);
        sleep(Duration::from_millis(5)).await;
    }
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs for minutes: use scripts/soak.sh"]
async fn soak() {
    let seconds: u64 = std::env::var("SSE_SOAK_SECONDS").map_or(30, |text| text.parse().unwrap());
    let before = descriptors();
    let counts = Arc::new(Counts::default());
    let hub = Hub::new(HubConfig::default().with_retry(Duration::from_millis(50)));
    let topic = hub.topic("soak").unwrap();
    let start = topic.publish(EventBuilder::new().data("start")).await.unwrap();
    let app = Router::new().route("/", get(events)).with_state(topic.clone());
    let listener = listen("127.0.0.1:0".parse().unwrap());
    let address = listener.local_addr().unwrap();
    let mut server = serve(listener, app.clone());

    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            tokio::spawn(follow(format!("http://{address}/"), start.clone(), client, Arc::clone(&counts)))
        })
        .collect();
    let publisher = tokio::spawn(publish(topic, Arc::clone(&counts)));

    let began = Instant::now();
    let (mut resident, mut open, mut server_restarts) = (vec![], vec![], 0);
    for second in 1..=seconds {
        sleep(Duration::from_secs(second).saturating_sub(began.elapsed())).await;
        resident.push(resident_kib());
        open.push(descriptors());
        assert!(clients.iter().all(|client| !client.is_finished()), "a client ended");
        if second % 3 == 0 {
            server.abort();
            assert!(server.await.unwrap_err().is_cancelled());
            sleep(Duration::from_millis(20 * (second % 7))).await;
            server = serve(listen(address), app.clone());
            server_restarts += 1;
        }
        if second % 30 == 0 {
            let delivered = counts.delivered.load(Ordering::Relaxed);
            println!(
                "{second:>6} s: {delivered:>10} delivered, {} KiB, {} descriptors",
                resident_kib(),
                descriptors()
            );
        }
    }
    counts.done.store(true, Ordering::Relaxed);
    publisher.await.unwrap();
    let published = counts.published.load(Ordering::Relaxed);
    for (client, received) in join_all(clients).await.into_iter().enumerate() {
        assert_eq!(received.unwrap(), published, "client {client} is behind");
    }
    server.abort();
    server.await.unwrap_err();

    // The first part fills the history, and every pool; then nothing may grow.
    let part = (resident.len() / 3).max(1);
    let peak = |samples: &[u64]| samples.iter().copied().max().unwrap();
    let (early, late) = (peak(&resident[..part]), peak(&resident[resident.len() - part..]));
    // The connections that were just aborted close with their tasks.
    sleep(Duration::from_secs(1)).await;
    let after = descriptors();
    println!("{published} events published, {} delivered", counts.delivered.load(Ordering::Relaxed));
    println!(
        "{server_restarts} restarts of the server, {} of clients",
        counts.client_restarts.load(Ordering::Relaxed)
    );
    println!(
        "{} reconnections, {} gaps, 0 lost",
        counts.reconnections.load(Ordering::Relaxed),
        hub.metrics().gaps
    );
    println!("peak resident memory: {early} KiB in the first third, {late} KiB in the last");
    println!(
        "descriptors: {before} before, at most {} under load, {after} after",
        open.iter().max().unwrap()
    );
    assert_eq!(hub.metrics().subscribers, 0, "subscriptions leaked");
    assert!(after <= before + 2, "descriptors leaked");
    assert!(late <= early + early / 10 + 4096, "memory grows");
}
