//! Check of the lists that the engine reads before, or without, verifying their checksums.
//!
//! The engine allocates the sizes that these lists state before it verifies them, or never verifies
//! them, although they have checksums. It does verify the blocks of a table when it reads them.
//!
//! ```text
//! keyspaces/N/current     number of the newest list of tables: u64, xxh3_128 of its file: u128, 0
//!             v{number}   that list: an archive with a section `tables`
//!             tables/id   a table: an archive of blocks
//!
//! section `tables`        levels: u8, each runs: u8, each tables: u32, each id: u64, 0, checksum: u128, seqno: u64
//! an archive              sections …  contents: "TOC!" …  "SFA!", 1, 0, xxh3_128 of the contents: u128, their place: u64, length: u64
//! ```
//!
//! All numbers are little-endian.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::DiskError;
use super::journal::take;

/// The largest list of tables, or table of contents of an archive, that is read, in bytes: an entry
/// has 33 bytes.
const LIST: u64 = 64 << 20;

const TRAILER: usize = 38;

/// Checks that the lists of all keyspaces in the directory `engine` are as they were written.
///
/// # Errors
///
/// If a list differs, or cannot be read.
pub(super) fn check(engine: &Path) -> Result<(), DiskError> {
    let io = |error| DiskError::io(engine, error);
    for keyspace in directories(&engine.join("keyspaces")).map_err(io)? {
        if !is_intact(&keyspace).map_err(io)? {
            let name = keyspace.strip_prefix(engine).unwrap_or(&keyspace).display();
            return Err(DiskError::corrupt(engine, format!("a list of {name} is damaged")));
        }
    }
    Ok(())
}

fn directories(path: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_intact(keyspace: &Path) -> io::Result<bool> {
    let current = match fs::read(keyspace.join("current")) {
        Ok(current) => current,
        // The engine writes this file last, and removes unfinished files.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let Some((id, rest)) = current.split_first_chunk() else { return Ok(false) };
    let Some((checksum, [0])) = rest.split_first_chunk() else { return Ok(false) };
    let path = keyspace.join(format!("v{}", u64::from_le_bytes(*id)));
    let list = match File::open(&path) {
        Ok(mut list) => read(&mut list, 0, None)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(list) = list.filter(|list| xxh3_128(list) == u128::from_le_bytes(*checksum)) else {
        return Ok(false);
    };
    // The list is verified from here on.
    let Some(tables) = tables(&path, &list) else { return Ok(false) };
    // Other tables are leftovers of a crash, which the engine removes.
    for table in tables {
        let intact = match File::open(keyspace.join("tables").join(table.to_string())) {
            Ok(mut table) => has_contents(&mut table)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !intact {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The numbers of the tables in a list whose checksum matches.
fn tables(path: &Path, list: &[u8]) -> Option<Vec<u64>> {
    let archive = sfa::Reader::new(path).ok()?;
    let section = archive.toc().section(b"tables")?;
    let start = usize::try_from(section.pos()).ok()?;
    let mut rest = list.get(start..start.checked_add(usize::try_from(section.len()).ok()?)?)?;
    let mut ids = Vec::new();
    let [levels] = take(&mut rest)?;
    for _ in 0..levels {
        let [runs] = take(&mut rest)?;
        for _ in 0..runs {
            for _ in 0..u32::from_le_bytes(take(&mut rest)?) {
                ids.push(u64::from_le_bytes(take(&mut rest)?));
                take::<25>(&mut rest)?;
            }
        }
    }
    Some(ids)
}

fn has_contents(table: &mut File) -> io::Result<bool> {
    let length = table.metadata()?.len();
    let Some(end) = length.checked_sub(TRAILER as u64) else { return Ok(false) };
    let Some(trailer) = read(table, end, Some(TRAILER as u64))? else { return Ok(false) };
    let Some(rest) = trailer.strip_prefix(b"SFA!\x01\x00") else { return Ok(false) };
    let Some((checksum, places)) = rest.split_first_chunk() else { return Ok(false) };
    let ([place, contents], []) = places.as_chunks::<8>() else { return Ok(false) };
    let [place, contents] = [*place, *contents].map(u64::from_le_bytes);
    if place.checked_add(contents) != Some(end) {
        return Ok(false);
    }
    let contents = read(table, place, Some(contents))?;
    Ok(contents.is_some_and(|contents| xxh3_128(&contents) == u128::from_le_bytes(*checksum)))
}

/// Reads `length` bytes from `start`, or up to the end of the file; `None` if that is more than the
/// limit, or more than the file has.
fn read(file: &mut File, start: u64, length: Option<u64>) -> io::Result<Option<Vec<u8>>> {
    let there = file.metadata()?.len().saturating_sub(start);
    let length = length.unwrap_or(there);
    if length > there.min(LIST) {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
