//! Benchmark of the log on disk: its appends compared with a raw file, and the time to open it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sse_hub::disk::{DiskConfig, DiskLog};
use sse_hub::{Amount, Batch, Log as _, NewEvent};
use tokio::runtime::Runtime;

use crate::raw::Raw;

const TURNS: usize = 5;

/// Measures concurrent publishers, each of which waits until its event is on the disk: the log, and
/// a file that is written and synced for all that wait. Both take turns; medians count.
pub fn append(publishers: usize, seconds: u64, bytes: usize, topics: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let time = Duration::from_secs(seconds);
    let event = Bytes::from(vec![b'x'; bytes]);
    let directory = Directory::new("append");
    let (mut raws, mut logs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let raw = runtime.block_on(raw(directory.path(), &event, publishers, time));
        let log = runtime.block_on(log(directory.path(), &event, publishers, time, topics));
        println!("raw file {raw:.0}/s, log {log:.0}/s, ratio {:.2}", log / raw);
        ratios.push(log / raw);
        raws.push(raw);
        logs.push(log);
    }
    let [raw, log, ratio] = [raws, logs, ratios].map(median);
    println!(
        "{publishers} publishers, {topics} topics, {bytes} bytes, medians: raw file {raw:.0}/s, log {log:.0}/s, \
         ratio of the medians {:.2}, median of the ratios {ratio:.2}",
        log / raw
    );
}

/// Measures the time from a restart until the first subscriber of a topic with this many events is
/// served.
pub fn open(events: usize, bytes: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let directory = Directory::new("open");
    let event = NewEvent { id: None, bytes: Bytes::from(vec![b'x'; bytes]) };
    runtime.block_on(async {
        let log = DiskLog::open(DiskConfig::new(directory.path())).expect("a log");
        let start = Instant::now();
        for _ in 0..events.div_ceil(500) {
            let batch = Batch { events: vec![event.clone(); 500], key: None };
            log.append("t", batch).await.expect("a disk");
        }
        println!("{events} events of {bytes} bytes written in {:.2?}", start.elapsed());
        log.close().await;
        let mut times = Vec::new();
        for _ in 0..TURNS {
            let start = Instant::now();
            let log = DiskLog::open(DiskConfig::new(directory.path())).expect("a log");
            let opened = start.elapsed();
            let newest =
                log.open("t", Amount { events: 4096, bytes: 4 << 20 }).await.expect("a topic").newest.len();
            println!(
                "opened after {opened:.2?}, its newest {newest} events read after {:.2?}",
                start.elapsed()
            );
            times.push(start.elapsed().as_secs_f64());
            log.close().await;
        }
        println!("{events} events, median of {TURNS}: {:.3} s", median(times));
    });
}

async fn raw(directory: &Path, event: &Bytes, publishers: usize, time: Duration) -> f64 {
    let (raw, writer) = Raw::create(directory);
    let event = event.clone();
    let rate = drive(publishers, time, move |_| {
        let (raw, event) = (raw.clone(), event.clone());
        async move { raw.append(event).await }
    })
    .await;
    writer.remove();
    rate
}

async fn log(directory: &Path, event: &Bytes, publishers: usize, time: Duration, topics: usize) -> f64 {
    let path = directory.join("log");
    let log = Arc::new(DiskLog::open(DiskConfig::new(&path)).expect("a log"));
    let names: Arc<[String]> = (0..topics).map(|topic| format!("topic{topic}")).collect();
    let (appended, event) = (Arc::clone(&log), event.clone());
    let rate = drive(publishers, time, move |publisher| {
        let (log, event, names) = (Arc::clone(&appended), event.clone(), Arc::clone(&names));
        async move {
            let batch = Batch { events: vec![NewEvent { id: None, bytes: event }], key: None };
            log.append(&names[publisher % names.len()], batch).await.expect("a disk");
        }
    })
    .await;
    log.close().await;
    fs::remove_dir_all(path).expect("it is there");
    rate
}

/// How many times per second `tasks` tasks together repeat something.
async fn drive<F: Future<Output = ()> + Send>(
    tasks: usize,
    time: Duration,
    work: impl Fn(usize) -> F + Clone + Send + 'static,
) -> f64 {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let start = Instant::now();
    let tasks = (0..tasks).map(|task| {
        let (stop, count, work) = (Arc::clone(&stop), Arc::clone(&count), work.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                work(task).await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("it does not panic");
    }
    count.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A directory on the measured disk, removed at the end.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::current_dir()
            .expect("a directory")
            .join(format!("target/bench-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a disk");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
