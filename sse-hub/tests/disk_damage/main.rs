//! A log on disk with truncated files or flipped bits: opening it fails with an error that names
//! the damage, or it gives the intact events, unaltered, and a gap for the rest, and new events can
//! be published. Nothing panics.
//!
//! `SSE_DAMAGE=1` tries every cut of the journal and many more flips.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod check;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use check::{Original, Outcome, config, directory};
use http_body_util::BodyExt as _;
use sse_hub::disk::DiskLog;
use sse_hub::{
    Amount, Batch, EventBuilder, From, Health, Hub, HubConfig, Located, Log as _, NewEvent, Place,
};

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
    let (mut refused, mut gaps, mut unreadable, mut whole, mut shorter) = (0, 0, 0, 0, 0);
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
            Outcome::Gaps(_) => gaps += 1,
            Outcome::Unreadable => unreadable += 1,
            Outcome::Kept(kept) if kept == original.events() => whole += 1,
            Outcome::Kept(_) => shorter += 1,
        }
    }
    println!("refused {refused}, gaps {gaps}, unreadable {unreadable}, shorter {shorter}, whole {whole}");
    assert!(refused > 0);
}

#[tokio::test]
async fn a_damaged_segment_is_dropped_when_its_turn_comes() {
    let directory = directory();
    let original = Original::write(directory.path(), 3000, 1000).await;
    damage_table(directory.path(), &original, b"0 xxxxxxxx");

    let log = DiskLog::open(config(directory.path())).unwrap();
    let page = log.read("t", Place::default().into(), Amount { events: 1, bytes: 0 }).await.unwrap();
    assert!(page.gap.is_some() && page.events.len() == 1, "{page:?}");
    let event = NewEvent { id: None, bytes: vec![b'y'; 1000].into() };
    for _ in 0..100 {
        log.append("u", Batch { events: vec![event.clone(); 100], key: None }).await.unwrap();
    }
    assert!(matches!(log.health(), Health::AtRisk(_)), "{:?}", log.health());
    let extent = log.open("t", Amount::NONE).await.unwrap();
    assert!(extent.start.number >= 500, "{extent:?}");
    log.close().await;
}

/// Flips a bit of these bytes in the table that has them.
fn damage_table(directory: &Path, original: &Original, bytes: &[u8]) {
    let at = |file: &[u8]| file.windows(bytes.len()).position(|window| window == bytes);
    let mut tables =
        original.files.iter().filter(|(name, _)| name.extension().is_none_or(|kind| kind != "jnl"));
    let (table, at) = tables.find_map(|(name, file)| Some((name, at(file)?))).unwrap();
    let mut file = fs::read(directory.join(table)).unwrap();
    file[at] ^= 1;
    fs::write(directory.join(table), file).unwrap();
}

/// A log whose topic `quiet` has 20 events, of which the newest ones are damaged in a table.
/// Returns the places of the 20.
async fn damaged_at_its_end(path: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    let log = DiskLog::open(config(path)).unwrap();
    for at in 1..=20 {
        let event = NewEvent { id: None, bytes: format!("data: {at} {}\n", "q".repeat(1000)).into() };
        places.push(log.append("quiet", Batch { events: vec![event], key: None }).await.unwrap().first);
    }
    log.close().await;
    // More than a segment, so that there are tables.
    let original = Original::write(path, 800, 1000).await;
    damage_table(path, &original, b"data: 20 qqq");
    places
}

#[tokio::test]
async fn a_topic_whose_newest_events_are_damaged_has_a_gap_and_goes_on_with_the_next_number() {
    let directory = directory();
    let places = damaged_at_its_end(directory.path()).await;
    let newest = *places.last().unwrap();
    for reopened in [false, true] {
        let log = DiskLog::open(config(directory.path())).unwrap();
        let extent = log.open("quiet", Amount { events: 5, bytes: 1 << 20 }).await.unwrap();
        if !reopened {
            assert_eq!((extent.last.number, extent.newest.len()), (20, 0));
            // A client that has this place has missed nothing that can still be read.
            let id = extent.last.to_string();
            assert_eq!(log.locate("quiet", &id).await, Ok(Located::After(extent.last)));
            let next = NewEvent { id: None, bytes: "data: next\n".into() };
            let next = log.append("quiet", Batch { events: vec![next], key: None }).await.unwrap().first;
            assert!(next.number == 21 && next > newest, "{next:?}");
        }
        let located = log.locate("quiet", &newest.to_string()).await;
        assert_eq!(located, Ok(Located::After(newest)), "a client that has it has all before it");
        assert_eq!(log.open("quiet", Amount::NONE).await.unwrap().last.number, 21);
        assert_eq!(log.topics(None, 9).await.unwrap().len(), 2);

        let (mut numbers, mut missed, mut after) = (Vec::new(), 0, Place::default());
        while after.number < 21 {
            let page = log.read("quiet", after.into(), Amount { events: 7, bytes: 1 << 20 }).await.unwrap();
            missed += page.gap.map_or(0, |gap| gap.missed.unwrap());
            numbers.extend(page.events.iter().map(|event| event.place().number));
            after = page.events.last().unwrap().place();
        }
        assert_eq!(numbers.len() as u64 + missed, 21, "{numbers:?}");
        assert!(numbers.starts_with(&[1, 2, 3, 4, 5]) && numbers.ends_with(&[21]), "{numbers:?}");
        let Health::AtRisk(reason) = log.health() else { panic!("{:?}", log.health()) };
        let keyspaces = directory.path().join("log/keyspaces");
        for part in ["\"quiet\"", keyspaces.to_str().unwrap(), "gap event", "Check the disk"] {
            assert!(reason.contains(part), "{reason}");
        }
        log.close().await;
    }
}

#[tokio::test]
async fn subscribers_of_a_topic_whose_newest_events_are_damaged_get_a_gap_and_the_later_events() {
    let directory = directory();
    let places = damaged_at_its_end(directory.path()).await;
    let log = Arc::new(DiskLog::open(config(directory.path())).unwrap());
    let hub = Hub::with_log(HubConfig::default(), log);
    let topic = hub.topic("quiet").unwrap();
    let (third, newest) = (places[2].to_string(), places[19].to_string());
    let mut subscriptions = [
        topic.subscribe(From::Earliest).await.unwrap(),
        topic.subscribe(From::After(&third)).await.unwrap(),
        topic.subscribe(From::After(&newest)).await.unwrap(),
        topic.subscribe(From::Now).await.unwrap(),
    ];
    topic.publish(EventBuilder::new().data("next")).await.unwrap();
    for (subscription, (first, has_gap)) in
        subscriptions.iter_mut().zip([("data: 1 q", true), ("data: 4 q", true), ("", false), ("", false)])
    {
        let mut text = String::new();
        while !text.contains("data: next\n") {
            let frame = subscription.frame().await.unwrap().unwrap();
            text += str::from_utf8(&frame.into_data().unwrap()).unwrap();
        }
        assert!(text.contains(first) && text.contains("event: gap") == has_gap, "{text}");
    }
    hub.close_log().await;
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
