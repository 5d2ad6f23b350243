//! A log on disk with truncated files or flipped bits: opening it fails with an error that names
//! the damage, or it gives the intact events, unaltered, and a gap for the rest. Nothing panics.
//!
//! `SSE_DAMAGE=1` tries every cut of the journal and many more flips.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod check;

use std::fs;

use check::{Original, Outcome, config, directory};
use sse_hub::disk::DiskLog;
use sse_hub::{Amount, Batch, Health, Log as _, NewEvent, Place};

fn tries(few: usize, many: usize) -> usize {
    if std::env::var_os("SSE_DAMAGE").is_some() { many } else { few }
}

#[tokio::test]
async fn a_journal_that_is_cut_anywhere_gives_the_events_before_the_cut() {
    let directory = directory();
    let original = Original::write(&directory.path().join("original"), 12, 20).await;
    let journal = original.file("log/0.jnl");
    let length = original.files[journal].1.len();
    let tries = tries(60, length);
    let mut last = 0;
    for cut in (0..=tries).map(|at| length * at / tries) {
        let path = directory.path().join("cut");
        let outcome = original.damaged(&path, journal, |bytes| bytes.truncate(cut)).await;
        let Outcome::Kept(kept) = outcome else { panic!("cut at {cut} of {length}: {outcome:?}") };
        assert!(kept >= last, "cut at {cut}");
        last = kept;
    }
    assert_eq!(last, original.events(), "the whole of it was tried last");
}

#[tokio::test]
async fn a_byte_of_the_journal_that_is_changed_anywhere_is_refused_or_costs_the_last_event() {
    let directory = directory();
    let original = Original::write(&directory.path().join("original"), 12, 20).await;
    let journal = original.file("log/0.jnl");
    let length = original.files[journal].1.len();
    let tries = tries(60, length);
    for at in (0..tries).map(|at| length * at / tries) {
        let outcome =
            original.damaged(&directory.path().join("changed"), journal, |bytes| bytes[at] ^= 0xff).await;
        let last_lost = original.events() - 1;
        let right = matches!(outcome, Outcome::Refused)
            || matches!(outcome, Outcome::Kept(kept) if kept >= last_lost);
        assert!(right, "byte {at} of {length}: {outcome:?}");
    }
}

#[tokio::test]
async fn flipped_bits_are_found_or_cost_nothing_and_are_never_served() {
    let directory = directory();
    // More than a segment, so that there are tables as well.
    let original = Original::write(&directory.path().join("original"), 800, 1000).await;
    let (mut refused, mut unreadable, mut whole, mut shorter) = (0, 0, 0, 0);
    let mut random: u64 = 1;
    for _ in 0..tries(60, 3000) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let file = (random >> 33) as usize % original.files.len();
        let flip = |bytes: &mut Vec<u8>| {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if used > 0 {
                bytes[(random >> 13) as usize % used] ^= 1 << (random >> 60 & 7);
            }
        };
        match original.damaged(&directory.path().join("flipped"), file, flip).await {
            Outcome::Refused => refused += 1,
            Outcome::Unreadable => unreadable += 1,
            Outcome::Kept(kept) if kept == original.events() => whole += 1,
            Outcome::Kept(_) => shorter += 1,
        }
    }
    println!("refused {refused}, a part unreadable {unreadable}, shorter {shorter}, whole {whole}");
    assert!(refused > 0);
}

#[tokio::test]
async fn a_damaged_segment_is_dropped_when_its_turn_comes() {
    let directory = directory();
    let original = Original::write(directory.path(), 3000, 1000).await;
    let first = b"0 xxxxxxxx";
    let mut tables =
        original.files.iter().filter(|(name, _)| name.extension().is_none_or(|kind| kind != "jnl"));
    let is_first = |bytes: &[u8]| bytes.windows(first.len()).position(|window| window == first);
    let (table, at) = tables.find_map(|(name, bytes)| Some((name, is_first(bytes)?))).unwrap();
    let mut bytes = fs::read(directory.path().join(table)).unwrap();
    bytes[at] ^= 1;
    fs::write(directory.path().join(table), bytes).unwrap();

    let log = DiskLog::open(config(directory.path())).unwrap();
    assert!(log.read("t", Place::default().into(), Amount { events: 1, bytes: 0 }).await.is_err());
    let event = NewEvent { id: None, bytes: vec![b'y'; 1000].into() };
    for _ in 0..100 {
        log.append("u", Batch { events: vec![event.clone(); 100], key: None }).await.unwrap();
    }
    assert_eq!(log.health(), Health::Ready);
    let extent = log.open("t", Amount::NONE).await.unwrap();
    assert!(extent.start.number >= 500, "{extent:?}");
    log.close().await;
}

#[tokio::test]
async fn a_journal_that_is_missing_is_refused() {
    let directory = directory();
    Original::write(directory.path(), 3, 20).await;
    fs::remove_file(directory.path().join("log/0.jnl")).unwrap();
    let error = DiskLog::open(config(directory.path())).unwrap_err();
    assert!(error.to_string().contains("journal is missing"), "{error}");
}

#[tokio::test]
async fn a_directory_whose_creation_was_interrupted_is_created_again() {
    let directory = directory();
    DiskLog::open(config(directory.path())).unwrap().close().await;
    // The engine writes its version last.
    fs::remove_file(directory.path().join("log/version")).unwrap();
    let original = Original::write(directory.path(), 1, 1).await;
    assert_eq!(original.events(), 1);
}
