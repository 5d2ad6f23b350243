//! The log in Redis passes the suite for all logs. Skipped, with a loud line, where there is no `redis-server`.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

#[path = "../../tests/redis.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use server::RedisServer;
use sse_hub::redis::{RedisConfig, RedisLog};
use sse_hub::{Health, Log, conformance};

/// A log that is connected.
async fn open(redis: &RedisServer) -> Arc<dyn Log> {
    let log = RedisLog::new(RedisConfig::new(&redis.url()).unwrap()).unwrap();
    while log.health() != Health::Ready {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Arc::new(log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_is_a_log() {
    let Some(redis) = RedisServer::start() else { return };
    conformance::check(open(&redis).await, "").await;
    conformance::survives(|| open(&redis), "").await;
}
