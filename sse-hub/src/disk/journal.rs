//! Check of the engine's journal, before the engine reads it.
//!
//! The engine ends its replay at the first unreadable bytes and cuts off the rest. That is right
//! for a partial write that a crash left, but not for a flipped bit before a million events. It
//! also allocates the size that a length field states before it has seen the bytes. So each journal
//! is checked here first; the only allocation is for the file itself:
//!
//! ```text
//!  whole batches            damage              whole batches?  zeros (preallocated)
//! ├────────┬────────┬──────┼─────────────────┬────────────────┬─────────────────────┤
//!                          │                 └ yes: corrupt, nothing is touched
//!                          └ no: the last write was never acknowledged, and is cut off
//! ```
//!
//! "Whole batches" after the damage have a later sequence number. The search for them reads a
//! bounded number of bytes. Only the newest journal can end in a partial write: the engine starts a
//! new journal when the one before is synced, so all damage in an older journal is corruption.
//!
//! A batch: `1, items: u32, seqno: u64`, that many items, `3, xxh3(items): u64, "FJL\x03"`. An
//! item: `2, type, 0, keyspace: u64, key length: u16, value length: u32, the same again, key,
//! value`, or `4, keyspace: u64`. All numbers are little-endian.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::DiskError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8] = b"FJL\x03";

/// The length of a batch before its items, in bytes.
#[cfg(test)]
const START_HEAD: usize = 13;

/// The length of an item without its key and its value, in bytes.
const ITEM_HEAD: usize = 21;

/// An unreachable number of batches: at a million a second, 2,000 years.
const SEQNO_LIMIT: u64 = 1 << 56;

/// Checks that the engine can read all journals in the directory `engine` to their end.
///
/// # Errors
///
/// If batches follow a damaged batch, or if there is no journal.
pub(super) fn check(engine: &Path) -> Result<(), DiskError> {
    let io = |error| DiskError::io(engine, error);
    let mut journals = find(engine).map_err(io)?;
    let Some(newest) = journals.pop() else {
        // The engine would make a new one, and number its batches from nothing: what the tables
        // have would hide them.
        return Err(DiskError::corrupt(engine, "the journal is missing"));
    };
    for journal in journals {
        // The engine began the next one when this one was complete and on the disk.
        if let Some(damage) = damage(&fs::read(&journal).map_err(io)?) {
            return Err(corrupt(engine, &journal, damage.at, ""));
        }
    }
    let bytes = fs::read(&newest).map_err(io)?;
    match damage(&bytes) {
        Some(damage) if damage.is_torn_write => truncate(&newest, damage.at).map_err(io),
        Some(Damage { at, .. }) => {
            let remedy = format!(
                "; cut the file there to keep the events before: truncate -s {at} {}",
                newest.display()
            );
            Err(corrupt(engine, &newest, at, &remedy))
        }
        None => Ok(()),
    }
}

/// Empties the journal of a closed engine whose tables hold everything.
pub(super) fn clear(engine: &Path) -> io::Result<()> {
    match find(engine)?.as_slice() {
        [journal] => truncate(journal, 0),
        journals => Err(io::Error::other(format!("{} journals are left", journals.len()))),
    }
}

/// The files of the journals, oldest first.
pub(super) fn find(engine: &Path) -> io::Result<Vec<PathBuf>> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(engine)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number =
                path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
            journals.push((number, path));
        }
    }
    journals.sort();
    Ok(journals.into_iter().map(|(_, path)| path).collect())
}

fn corrupt(engine: &Path, journal: &Path, at: usize, remedy: &str) -> DiskError {
    let name = journal.file_name().unwrap_or_default().to_string_lossy();
    DiskError::corrupt(engine, format!("{name} is damaged at byte {at}{remedy}"))
}

fn truncate(journal: &Path, length: usize) -> io::Result<()> {
    let file = File::options().write(true).open(journal)?;
    file.set_len(length as u64)?;
    file.sync_all()
}

/// Place in a journal after which nothing can be read.
#[derive(Debug, PartialEq, Eq)]
struct Damage {
    at: usize,
    /// Whether no batch follows, so that the damage is a write that a crash cut.
    is_torn_write: bool,
}

fn damage(journal: &[u8]) -> Option<Damage> {
    damage_within(journal, &mut Budget(EFFORT * journal.len()))
}

/// Finds the damage. Damage after which the search exceeds the budget counts as corruption, because
/// acknowledged events may follow it.
fn damage_within(journal: &[u8], budget: &mut Budget) -> Option<Damage> {
    let mut rest = journal;
    let mut seqnos = 0..SEQNO_LIMIT;
    // Numbers that do not rise are also damage: the checksum does not cover them.
    // The batches follow each other, so each byte is read once.
    let mut once = Budget(usize::MAX);
    while let Some(batch) = Batch::read(rest, |seqno| seqnos.contains(&seqno), &mut once) {
        seqnos.start = batch.seqno + 1;
        rest = &rest[batch.length..];
    }
    if rest.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut is_batch = |at: usize| {
        // Bytes of an event can look like a batch, but do not have the next number.
        let is_next = |seqno| at == 0 || seqnos.contains(&seqno);
        rest[at] == START && Batch::read(&rest[at..], is_next, budget).is_some()
    };
    let followed = (0..rest.len()).any(&mut is_batch);
    Some(Damage { at: journal.len() - rest.len(), is_torn_write: !followed && !budget.is_spent() })
}

/// How many bytes of the journal are read for each byte that it has, at most. Only events that were
/// written to look like many nested batches take more than a few.
const EFFORT: usize = 32;

/// How many bytes may still be read.
struct Budget(usize);

impl Budget {
    /// Takes some bytes; `None` if there are not enough.
    fn take(&mut self, bytes: usize) -> Option<()> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.map(|_| ())
    }

    fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

/// A batch of the journal that is complete and has the right checksum.
struct Batch {
    seqno: u64,
    length: usize,
}

impl Batch {
    /// Reads a batch whose sequence number is accepted.
    fn read(bytes: &[u8], accepts: impl FnOnce(u64) -> bool, budget: &mut Budget) -> Option<Self> {
        let rest = &mut &*bytes;
        let [START] = take(rest)? else { return None };
        let items = u32::from_le_bytes(take(rest)?);
        // The number first, because following the items of bytes that are not a batch takes long.
        let seqno = u64::from_le_bytes(take(rest)?);
        if !accepts(seqno) {
            return None;
        }
        let body = *rest;
        for _ in 0..items {
            budget.take(ITEM_HEAD)?;
            skip_item(rest)?;
        }
        let body = &body[..body.len() - rest.len()];
        let [END] = take(rest)? else { return None };
        let checksum = u64::from_le_bytes(take(rest)?);
        if take::<4>(rest)? != TRAILER {
            return None;
        }
        budget.take(body.len())?;
        if checksum != xxh3_64(body) {
            return None;
        }
        Some(Self { seqno, length: bytes.len() - rest.len() })
    }
}

fn skip_item(rest: &mut &[u8]) -> Option<()> {
    match take(rest)? {
        [ITEM] => {
            // Compression is compiled out, so only lengths of existing bytes determine how much
            // memory is allocated.
            let [0..=3, 0] = take(rest)? else { return None };
            take::<8>(rest)?;
            let key = u16::from_le_bytes(take(rest)?);
            let value = u32::from_le_bytes(take(rest)?);
            if value != u32::from_le_bytes(take(rest)?) {
                return None;
            }
            *rest = rest.get(usize::from(key) + usize::try_from(value).ok()?..)?;
        }
        [CLEAR] => {
            take::<8>(rest)?;
        }
        _ => return None,
    }
    Some(())
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seqno: u64, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        let mut item = vec![ITEM, 0, 0];
        item.extend(7u64.to_le_bytes());
        item.extend(3u16.to_le_bytes());
        item.extend([length, length].concat());
        item.extend(b"key");
        item.extend(value);
        let start = [&[START][..], &1u32.to_le_bytes(), &seqno.to_le_bytes()].concat();
        [&start, &item, &[END][..], &xxh3_64(&item).to_le_bytes(), TRAILER].concat()
    }

    #[test]
    fn whole_batches_and_preallocated_zeros_are_not_damage() {
        let journal = [batch(1, b"one"), batch(2, b""), vec![0; 100]].concat();
        assert_eq!(damage(&journal), None);
        assert_eq!(damage(b""), None);
    }

    #[test]
    fn a_journal_cut_at_any_byte_ends_in_a_torn_write() {
        let (first, second) = (batch(1, b"one"), batch(2, b"two"));
        let journal = [first.clone(), second].concat();
        for cut in 0..journal.len() {
            let at = if cut < first.len() { 0 } else { first.len() };
            let expected = (cut != at).then_some(Damage { at, is_torn_write: true });
            assert_eq!(damage(&journal[..cut]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_in_front_of_a_batch_is_corruption_and_in_the_last_one_a_torn_write() {
        let (first, second) = (batch(1, b"one"), batch(2, b"two"));
        let journal = [first.clone(), second].concat();
        for bit in 0..journal.len() * 8 {
            let mut flipped = journal.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let in_first = bit / 8 < first.len();
            let is_seqno = |start: usize| (start + 5..start + 13).contains(&(bit / 8));
            if is_seqno(0) || is_seqno(first.len()) {
                continue;
            }
            let at = if in_first { 0 } else { first.len() };
            assert_eq!(damage(&flipped), Some(Damage { at, is_torn_write: !in_first }), "bit {bit}");
        }
    }

    #[test]
    fn batches_that_are_not_in_order_are_corruption() {
        let journal = [batch(2, b"two"), batch(1, b"one")].concat();
        let at = journal.len() / 2;
        assert_eq!(damage(&journal), Some(Damage { at, is_torn_write: false }));
        let journal = batch(u64::MAX, b"none");
        assert_eq!(damage(&journal), Some(Damage { at: 0, is_torn_write: false }));
    }

    #[test]
    fn a_torn_write_of_an_event_that_looks_like_a_batch_is_a_torn_write() {
        let journal = [batch(8, b"one"), batch(9, &batch(3, b"fake"))].concat();
        let at = batch(8, b"one").len();
        let torn = &journal[..journal.len() - 1];
        assert_eq!(damage(torn), Some(Damage { at, is_torn_write: true }));
    }

    #[test]
    fn the_search_after_a_torn_write_reads_a_bounded_number_of_bytes_whatever_the_event_holds() {
        // Each of these begins a batch that ends at the end of the event.
        let (heads, length) = (2000, START_HEAD + ITEM_HEAD);
        let head = |at: usize| {
            let value = u32::try_from((heads - 1 - at) * length).unwrap().to_le_bytes();
            let start = [&[START][..], &1u32.to_le_bytes(), &9u64.to_le_bytes()].concat();
            [&start, &[ITEM, 0, 0][..], &7u64.to_le_bytes(), &[0, 0], &value, &value].concat()
        };
        let heads = (0..heads).flat_map(head).collect();
        let event = [heads, vec![END], vec![0; 8], TRAILER.to_vec()].concat();
        let mut journal = [batch(8, b"one"), batch(9, &event)].concat();
        journal.pop();
        let at = batch(8, b"one").len();

        let mut unlimited = Budget(usize::MAX);
        assert_eq!(damage_within(&journal, &mut unlimited), Some(Damage { at, is_torn_write: true }));
        assert!(usize::MAX - unlimited.0 > 10 * EFFORT * journal.len(), "it grows with the square");
        // It might be corruption with acknowledged events after it.
        assert_eq!(damage(&journal), Some(Damage { at, is_torn_write: false }));
    }
}
