//! The clients of async-std and of blocking code behind the proxy that breaks every connection, in
//! real time, with a few seeds each.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code, reason = "helpers are part of the tests")]

mod hub;
mod proxy;

use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use hub::Received;
use proto::{ClientEvent, Config, ReconnectPolicy};
use proxy::{Proxy, Random};

/// Runs `follow`, which ends when all events came, with the proxy of every seed, side by side.
fn each_seed(follow: impl Fn(&str, Config, u64) + Send + Copy + 'static) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clients: Vec<_> = (0..16)
        .map(|seed| {
            let (proxy, start) = runtime.block_on(async {
                let (upstream, start) = hub::start(Random(seed), 50).await;
                (Proxy::start(upstream, Random(!seed)).await, start)
            });
            let config = Config::default()
                .with_last_event_id(start)
                .with_policy(ReconnectPolicy::default().with_max(Duration::from_millis(50)))
                .with_idle_timeout(Duration::from_millis(500))
                .with_retry_status(Config::TRANSIENT_STATUS);
            thread::spawn(move || follow(&proxy.url, config, seed))
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn every_event_arrives_once_and_in_order_without_a_runtime() {
    each_seed(|url, config, seed| {
        let mut source = sse_blocking::EventSource::builder(url).config(config).build().unwrap();
        let mut received = Received::default();
        while !received.all() {
            if let ClientEvent::Message(message) = source.next().unwrap().unwrap() {
                received.event(message.event(), message.data(), seed);
            }
        }
    });
}

#[test]
fn every_event_arrives_once_and_in_order_without_tokio() {
    each_seed(|url, config, seed| {
        let mut source = sse_async_std::EventSource::builder(url).config(config).proxy(None).build().unwrap();
        let mut received = Received::default();
        futures_lite::future::block_on(async {
            while !received.all() {
                if let ClientEvent::Message(message) = source.next().await.unwrap().unwrap() {
                    received.event(message.event(), message.data(), seed);
                }
            }
        });
    });
}
