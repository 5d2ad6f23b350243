//! Comparison of encoders: `bench-encode [ROUNDS]` prints a table; each encoder is checked before
//! it is timed.
//!
//! `bench-encode SHAPE ENCODER` does the work of one cell in the function `counted`, for callgrind;
//! see `count.sh`. The shape `20-lines-crlf` is `20-lines` with CRLF in the data.

mod encoders;

use std::hint::black_box;
use std::panic::catch_unwind;
use std::time::Duration;

use bench_parse::alloc::{self, Heap};
use bench_parse::{Chunks, Corpus, Fingerprint, Shape, Sink as _, clock};
use encoders::{Encoder, Texts};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

const CRLF: &str = "20-lines-crlf";
const BYTES: usize = 256 << 10;
const TURN: Duration = Duration::from_millis(3);

struct Entry {
    name: &'static str,
    time: fn(&Texts),
    wire: fn(&Texts) -> Vec<u8>,
}

impl Entry {
    fn of<E: Encoder>() -> Self {
        Self {
            name: E::NAME,
            time: |texts| E::run(texts, |event| _ = black_box(event)),
            wire: |texts| {
                let mut wire = Vec::new();
                E::run(texts, |event| wire.extend_from_slice(event));
                wire
            },
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let entries = [
        Entry::of::<encoders::EncodeInto>(),
        Entry::of::<encoders::Encode>(),
        Entry::of::<encoders::SseStream>(),
        Entry::of::<encoders::Russe>(),
        Entry::of::<encoders::Axum>(),
        Entry::of::<encoders::Warp>(),
        Entry::of::<encoders::Poem>(),
        Entry::of::<encoders::SseCodec>(),
        Entry::of::<encoders::HandRolled>(),
    ];
    if let [shape, name] = arguments.as_slice() {
        let entry = entries.iter().find(|entry| entry.name == name).expect("an encoder");
        let texts = if shape == CRLF { crlf() } else { texts(Shape::parse(shape).expect("a shape")) };
        counted(entry, &texts);
        println!("events {}", texts.len());
        return;
    }
    let rounds = arguments.first().map_or(11, |rounds| rounds.parse().expect("a number of rounds"));
    for shape in
        [Shape::OpenAi, Shape::Anthropic, Shape::Tiny, Shape::Feed, Shape::Lines, Shape::Long, Shape::Chinese]
    {
        table(&entries, &shape.to_string(), &texts(shape), rounds);
    }
    table(&entries, CRLF, &crlf(), rounds);
}

fn texts(shape: Shape) -> Texts {
    Corpus::texts(shape, BYTES).into()
}

/// Events with 20 lines of data, separated by CRLF.
fn crlf() -> Texts {
    let texts = Corpus::texts(Shape::Lines, BYTES).into_iter();
    texts.map(|[kind, data, id]| [kind, data.replace('\n', "\r\n"), id]).collect()
}

#[inline(never)]
#[unsafe(no_mangle)]
fn counted(entry: &Entry, texts: &Texts) {
    (entry.time)(texts);
}

fn table(entries: &[Entry], name: &str, texts: &Texts, rounds: usize) {
    println!("\n{name}: {} events", texts.len());
    println!("  {:<24} {:>10} {:>8} {:>10} {:>10}", "", "ns/event", "x best", "allocs/ev", "bytes/ev");
    let expected = expected(texts);
    let mut turns: Vec<Option<Vec<f64>>> = Vec::new();
    for entry in entries {
        turns.push((meaning(entry, texts) == Some(expected)).then(Vec::new));
    }
    let timed = |entry: &Entry, times: u32| {
        let start = clock::now();
        (0..times).for_each(|_| (entry.time)(black_box(texts)));
        (clock::now() - start).as_nanos() as f64 / f64::from(times)
    };
    let times: Vec<u32> = entries
        .iter()
        .zip(&turns)
        .map(|(entry, turns)| {
            turns.as_ref().map_or(0, |_| (TURN.as_nanos() as f64 / timed(entry, 1)).ceil() as u32)
        })
        .collect();
    for _ in 0..rounds {
        for ((entry, turns), &times) in entries.iter().zip(&mut turns).zip(&times) {
            if let Some(turns) = turns {
                turns.push(timed(entry, times));
            }
        }
    }
    let medians: Vec<Option<f64>> = turns
        .into_iter()
        .map(|turns| {
            let mut turns = turns?;
            turns.sort_by(f64::total_cmp);
            turns.get(turns.len() / 2).copied()
        })
        .collect();
    let peers = entries.iter().zip(&medians).filter(|(entry, _)| !entry.name.starts_with("sse-proto"));
    let unit = peers.filter_map(|(_, median)| *median).fold(f64::INFINITY, f64::min);
    for (entry, median) in entries.iter().zip(&medians) {
        let Some(median) = median else {
            println!("  {:<24} WRONG: a reader gets other events", entry.name);
            continue;
        };
        let Heap { calls, bytes, .. } = alloc::count(|| (entry.time)(texts)).1;
        let per_event = |total: f64| total / texts.len() as f64;
        println!(
            "  {:<24} {:>10.1} {:>8.2} {:>10.2} {:>10.1}",
            entry.name,
            per_event(*median),
            unit / median,
            per_event(calls as f64),
            per_event(bytes as f64)
        );
    }
}

/// The events that a reader has to get: line breaks arrive as LF.
fn expected(texts: &Texts) -> Fingerprint {
    let mut expected = Fingerprint::default();
    for [kind, data, id] in texts.iter() {
        expected.event(kind, &data.replace("\r\n", "\n"), id);
    }
    expected
}

/// The events that a peer's parser reads from the encoder's output. `None` if the encoder panicked.
fn meaning(entry: &Entry, texts: &Texts) -> Option<Fingerprint> {
    let reader = bench_parse::entries().into_iter().find(|reader| reader.name == "sse-parse 0.1")?;
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let wire = catch_unwind(|| (entry.wire)(texts));
    std::panic::set_hook(hook);
    Some((reader.check)(&Chunks::whole(wire.ok()?)))
}
