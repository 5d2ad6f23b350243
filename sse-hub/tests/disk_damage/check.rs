//! Checks of a damaged log, which the fuzz target `disk` also uses.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sse_hub::disk::{DiskConfig, DiskError, DiskLog};
use sse_hub::{Amount, Batch, Located, Log, NewEvent, Place};

const ALL: Amount = Amount { events: usize::MAX, bytes: usize::MAX };

const TOPIC: &str = "t";

/// A log that is whole, and what it holds.
pub(crate) struct Original {
    pub(crate) path: PathBuf,
    /// The files, of which each may be damaged.
    pub(crate) files: Vec<PathBuf>,
    written: Vec<(Place, String)>,
}

/// What became of a log with a damage.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Refused,
    /// This many of its events can be read, and the rest is a gap.
    Kept(usize),
    /// A part cannot be read, and a reader gets an error.
    Unreadable,
}

impl Original {
    /// A log with `count` events of `size` bytes.
    pub(crate) async fn write(path: &Path, count: usize, size: usize) -> Self {
        let log = DiskLog::open(config(path)).unwrap();
        let mut written = Vec::new();
        for at in 0..count {
            let text = format!("{at} {}", "x".repeat(size));
            let id = (at % 4 == 0).then(|| format!("id{at}").into());
            let event = NewEvent { id, bytes: Bytes::from(text.clone()) };
            let place = log.append(TOPIC, Batch { events: vec![event], key: None }).await.unwrap().first;
            written.push((place, text));
        }
        log.close().await;
        // Opened once more, so that its journal ends with the last batch and not with the zeros
        // that it grows into.
        DiskLog::open(config(path)).unwrap().close().await;
        Self { path: path.to_owned(), files: files(path), written }
    }

    pub(crate) fn events(&self) -> usize {
        self.written.len()
    }

    /// Copies the log to `path`, lets `damage` change what is in one of its files, and checks that
    /// what comes of it gives nothing but what was written.
    pub(crate) async fn damaged(
        &self,
        path: &Path,
        file: &Path,
        damage: impl FnOnce(&mut Vec<u8>),
    ) -> Outcome {
        copy(&self.path, path);
        let file = path.join(file.strip_prefix(&self.path).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, bytes).unwrap();
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
        if let Outcome::Kept(kept) = outcome {
            if kept < self.written.len() {
                let lost = self.written.last().unwrap().0;
                let located = log.locate(TOPIC, &lost.to_string()).await.unwrap();
                assert!(matches!(located, Located::Gone { .. }), "the lost events are a gap: {located:?}");
            }
            // The log continues, and gives no place twice.
            let event = NewEvent { id: None, bytes: Bytes::from_static(b"more") };
            if let Ok(appended) = log.append(TOPIC, Batch { events: vec![event], key: None }).await {
                assert!(self.written.iter().all(|(place, _)| *place != appended.first), "{}", appended.first);
                assert_eq!(appended.first.number, kept as u64 + 1);
            }
        }
        log.close().await;
        outcome
    }

    async fn read(&self, log: &DiskLog) -> Outcome {
        let mut kept = 0;
        let mut after = Place::default();
        loop {
            let Ok(page) = log.read(TOPIC, after.into(), ALL).await else { return Outcome::Unreadable };
            if page.gap.is_some() {
                return Outcome::Unreadable;
            }
            if page.events.is_empty() {
                return Outcome::Kept(kept);
            }
            for event in &page.events {
                let (place, text) = &self.written[kept];
                assert_eq!((event.place(), event.bytes()), (*place, text.as_bytes()));
                kept += 1;
            }
            after = page.events.last().unwrap().place();
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

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            drop(fs::copy(entry.path(), to))
        }
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}
