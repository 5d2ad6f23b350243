//! Opening of the storage engine, and the size of its files.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::super::damage::Damage;
use super::super::directory::bytes_on_disk;
use super::super::view::View;
use super::super::{DiskError, journal, tables};
use super::Sizes;

/// Size of the engine's read cache, in bytes.
const CACHE: u64 = 16 << 20;

/// Opens the engine, or creates it; it then has at least one segment.
pub(super) fn open(path: &Path, sizes: Sizes, damage: &Damage) -> Result<View, DiskError> {
    let io = |error| DiskError::io(path, error);
    if path.join("version").try_exists().map_err(io)? {
        journal::check(path)?;
        tables::check(path)?;
    } else if path.try_exists().map_err(io)? {
        // The engine writes that file last: it was interrupted before anything was committed, and
        // could not go on.
        fs::remove_dir_all(path).map_err(io)?;
    }
    // The files may be damaged in any way, and the engine does not promise an error instead of a
    // panic.
    let opened = catch_unwind(AssertUnwindSafe(|| open_keyspaces(path, sizes, damage)));
    match opened {
        Ok(opened) => opened.map_err(|error| explain(path, error)),
        Err(_) => Err(DiskError::corrupt(path, "the storage engine failed to read it")),
    }
}

fn open_keyspaces(path: &Path, sizes: Sizes, damage: &Damage) -> fjall::Result<View> {
    let database =
        Database::builder(path).cache_size(CACHE).max_journaling_size(64 << 20).worker_threads(2).open()?;
    let topics =
        database.keyspace("topics", || KeyspaceCreateOptions::default().max_memtable_size(4 << 20))?;
    let names = database.list_keyspace_names();
    let mut numbers: Vec<_> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let segments = match numbers.as_slice() {
        [] => vec![create_segment(&database, 0, sizes)?],
        numbers => numbers
            .iter()
            .map(|number| create_segment(&database, *number, sizes))
            .collect::<Result<_, _>>()?,
    };
    Ok(View { database, topics, segments, damage: damage.clone() })
}

/// Creates a segment, or opens it if it exists.
pub(super) fn create_segment(database: &Database, number: u64, sizes: Sizes) -> fjall::Result<Keyspace> {
    let options = || KeyspaceCreateOptions::default().max_memtable_size(sizes.memtable());
    database.keyspace(&format!("s{number:016}"), options)
}

pub(super) fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix('s')?.parse().ok()
}

/// How many keys begin with `prefix`. If a table is damaged, every call fails.
pub(super) fn count(keyspace: &Keyspace, prefix: &[u8]) -> fjall::Result<usize> {
    keyspace.prefix(prefix).try_fold(0, |count, found| found.key().map(|_| count + 1))
}

/// How many bytes the files of a directory take on the disk.
pub(super) fn size(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(bytes_on_disk(&metadata) + if metadata.is_dir() { size(&entry.path()) } else { 0 })
    });
    sizes.sum()
}

pub(super) fn journal_bytes(engine: &Path) -> u64 {
    let journals = journal::find(engine).unwrap_or_default();
    journals.iter().filter_map(|journal| Some(bytes_on_disk(&fs::metadata(journal).ok()?))).sum()
}

/// Converts an error of the engine while opening to one that says what the user can do about it.
pub(super) fn explain(path: &Path, error: fjall::Error) -> DiskError {
    match error {
        fjall::Error::Locked => DiskError::InUse { path: path.to_owned() },
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
            DiskError::io(path, error)
        }
        error => DiskError::corrupt(path, error.to_string()),
    }
}
