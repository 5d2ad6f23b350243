//! The logs in memory and on disk pass the suite for all logs.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::sync::Arc;

use sse_hub::{HistoryLimits, MemoryLog, conformance};

#[tokio::test(start_paused = true)]
async fn memory_passes_the_conformance_suite() {
    conformance::check(Arc::new(MemoryLog::new(HistoryLimits::default(), 100)), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_passes_the_conformance_suite_between_threads() {
    conformance::check(Arc::new(MemoryLog::new(HistoryLimits::default(), 100)), "").await;
}

#[cfg(feature = "disk")]
mod disk {
    use std::sync::Arc;

    use sse_hub::disk::{DiskConfig, DiskLog};
    use sse_hub::{Log, conformance};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn disk_passes_the_conformance_suite_and_outlives_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let open = || async {
            let log: Arc<dyn Log> = Arc::new(DiskLog::open(DiskConfig::new(directory.path())).unwrap());
            log
        };
        conformance::survives(open, "a").await;
        let log = open().await;
        conformance::check(Arc::clone(&log), "b").await;
        log.close().await;
        conformance::survives(open, "c").await;
    }
}
