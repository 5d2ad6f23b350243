//! The log in memory passes the suite for all logs.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::sync::Arc;

use sse_hub::{HistoryLimits, MemoryLog, conformance};

#[tokio::test(start_paused = true)]
async fn memory_is_a_log() {
    conformance::check(Arc::new(MemoryLog::new(HistoryLimits::default(), 100)), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_is_a_log_between_threads() {
    conformance::check(Arc::new(MemoryLog::new(HistoryLimits::default(), 100)), "").await;
}
