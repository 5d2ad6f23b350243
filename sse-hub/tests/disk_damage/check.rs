//! Checks of a damaged log, which the fuzz target `disk` also uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use sse_hub::disk::{DiskConfig, DiskError, DiskLog};
use sse_hub::{Amount, AppendError, Batch, Located, Log, NewEvent, Place};

const ALL: Amount = Amount { events: usize::MAX, bytes: usize::MAX };

const TOPIC: &str = "t";

/// A log that is whole, and what it holds.
pub(crate) struct Original {
    /// The files, of which each may be damaged: paths in the directory of the log, and contents.
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
    written: Vec<(Place, String)>,
}

/// What became of a log with a damage.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Refused,
    /// This many of its events can be read, and no later ones.
    Kept(usize),
    /// A reader gets this many events, and a gap where others cannot be read.
    Gaps(usize),
    /// The record of the topic cannot be read, and a reader gets an error.
    Unreadable,
}

impl Original {
    /// Writes a log with `count` events of `size` bytes to `path`, and reads its files into memory.
    pub(crate) async fn write(path: &Path, count: usize, size: usize) -> Self {
        let log = DiskLog::open(config(path)).unwrap();
        let mut written = Vec::new();
        for at in 0..count {
            let text = format!("{at} {}", "x".repeat(size));
            let id = (at % 4 == 0).then(|| format!("id{at}").into());
            let event = NewEvent { id, bytes: Bytes::from(text.clone()) };
            let place = append(&log, Batch { events: vec![event], key: None }).await;
            written.push((place, text));
        }
        log.close().await;
        // Opened once more, so that its journal ends with the last batch and not with the zeros
        // that it grows into.
        DiskLog::open(config(path)).unwrap().close().await;
        Self { files: read_files(path, path), written }
    }

    pub(crate) fn events(&self) -> usize {
        self.written.len()
    }

    /// The position in `files` of the file with this path.
    #[allow(dead_code, reason = "for the tests, not for the fuzz target")]
    pub(crate) fn file(&self, path: &str) -> usize {
        self.files.iter().position(|(name, _)| name == Path::new(path)).unwrap()
    }

    /// Writes the log to `path`, with a damage to the file at position `damaged`, and checks that
    /// reading the result returns only what was written. Removes `path` afterwards.
    pub(crate) async fn damaged(
        &self,
        path: &Path,
        damaged: usize,
        damage: impl FnOnce(&mut Vec<u8>),
    ) -> Outcome {
        for (name, bytes) in &self.files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        let (name, bytes) = &self.files[damaged];
        let mut bytes = bytes.clone();
        damage(&mut bytes);
        fs::write(path.join(name), bytes).unwrap();
        let outcome = self.inspect(path).await;
        fs::remove_dir_all(path).unwrap();
        outcome
    }

    async fn inspect(&self, path: &Path) -> Outcome {
        let log = match DiskLog::open(config(path)) {
            Ok(log) => log,
            Err(DiskError::Corrupt { .. } | DiskError::Format { .. } | DiskError::Io { .. }) => {
                return Outcome::Refused;
            }
            Err(error) => panic!("{error}"),
        };
        let outcome = self.read(&log).await;
        if let Outcome::Kept(kept) | Outcome::Gaps(kept) = outcome {
            if kept < self.written.len() {
                assert!(log.open(TOPIC, ALL).await.is_ok(), "the topic can be opened");
            }
            if let Outcome::Kept(_) = outcome
                && kept < self.written.len()
            {
                let lost = self.written.last().unwrap().0;
                let located = log.locate(TOPIC, &lost.to_string()).await.unwrap();
                assert!(matches!(located, Located::Gone { .. }), "the lost events are a gap: {located:?}");
            }
            // The log continues, and gives no place twice.
            let event = NewEvent { id: None, bytes: Bytes::from_static(b"more") };
            if let Ok(appended) = log.append(TOPIC, Batch { events: vec![event], key: None }).await {
                assert!(self.written.iter().all(|(place, _)| *place < appended.first), "{}", appended.first);
                let number = appended.first.number;
                match outcome {
                    Outcome::Kept(kept) => assert_eq!(number, kept as u64 + 1),
                    _ => assert!(number > self.written.len() as u64, "{number}"),
                }
            }
        }
        log.close().await;
        outcome
    }

    async fn read(&self, log: &DiskLog) -> Outcome {
        let (mut kept, mut gaps) = (0, 0);
        let mut after = Place::default();
        loop {
            let Ok(page) = log.read(TOPIC, after.into(), ALL).await else { return Outcome::Unreadable };
            if let Some(gap) = page.gap {
                let missed = page.after.number - after.number;
                assert!(gap.missed.is_none_or(|told| told == missed), "{gap:?} for {missed}");
                gaps += 1;
            }
            let Some(last) = page.events.last() else {
                return if gaps == 0 { Outcome::Kept(kept) } else { Outcome::Gaps(kept) };
            };
            for event in &page.events {
                let (place, text) = &self.written[event.place().number as usize - 1];
                assert_eq!((event.place(), event.bytes()), (*place, text.as_bytes()));
                kept += 1;
            }
            after = last.place();
        }
    }
}

pub(crate) fn config(path: &Path) -> DiskConfig {
    DiskConfig::new(path).with_bytes(DiskConfig::LEAST_BYTES)
}

/// A directory in memory, where there is one.
pub(crate) fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Appends a batch, as often as the log is too busy, which it is while a table is written.
async fn append(log: &DiskLog, batch: Batch) -> Place {
    loop {
        match log.append(TOPIC, batch.clone()).await {
            Ok(appended) => return appended.first,
            Err(AppendError::Busy { .. }) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The files below `path`, with their paths relative to `root`, in order.
fn read_files(root: &Path, path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(read_files(root, &path));
        } else {
            files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}
