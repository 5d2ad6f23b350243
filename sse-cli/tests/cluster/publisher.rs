//! Publishes 1, 2, 3, .. in order to either node, each until it is acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{PATIENCE, Random};

pub struct Publisher {
    acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Publisher {
    pub fn start(ports: [u16; 2], seed: u64) -> Self {
        let (acknowledged, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, stopped) = (Arc::clone(&acknowledged), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(publish(ports, Random(seed), &count, &stopped));
        });
        Self { acknowledged, stop, thread }
    }

    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Waits until so many more events were acknowledged.
    pub fn wait_for(&self, more: u64) {
        let (until, deadline) = (self.acknowledged() + more, Instant::now() + PATIENCE);
        while self.acknowledged() < until {
            assert!(
                Instant::now() < deadline && !self.thread.is_finished(),
                "nothing is acknowledged any more"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops; the number of the last event.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
        self.acknowledged.load(Ordering::Acquire)
    }
}

async fn publish(ports: [u16; 2], mut random: Random, acknowledged: &AtomicU64, stop: &AtomicBool) {
    // A stopped node accepts and does not answer.
    let http = reqwest::Client::builder().timeout(Duration::from_millis(2500)).no_proxy().build().unwrap();
    let run = random.below(u64::MAX);
    while !stop.load(Ordering::Acquire) {
        let number = acknowledged.load(Ordering::Relaxed) + 1;
        loop {
            let port = ports[random.below(2) as usize];
            let request = http
                .post(format!("http://127.0.0.1:{port}/events/t"))
                // What has no answer may have been taken: repeating it with its key appends it
                // once.
                .header("idempotency-key", format!("{run}-{number}"))
                .body(number.to_string());
            match request.send().await {
                Ok(response) if response.status() == 200 => break,
                Ok(response) => {
                    let status = response.status();
                    assert_eq!(status, 503, "{}", response.text().await.unwrap_or_default());
                    assert!(response.headers().contains_key("retry-after"));
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        acknowledged.store(number, Ordering::Release);
        tokio::time::sleep(Duration::from_millis(random.below(8))).await;
    }
}
