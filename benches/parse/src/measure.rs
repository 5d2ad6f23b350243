//! Checking and timing: all contenders are checked first, then they take turns (A B C A B C ..).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::alloc::{self, Heap};
use crate::clock;
use crate::{Chunking, Chunks, Corpus, Entry, Role};

/// Settings of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of turns of each contender; their median is reported.
    pub rounds: usize,
    /// The approximate length of a turn, for which passes over the corpus are repeated.
    pub turn: Duration,
    /// The longest time for one pass; a contender that needs longer is left out, and a slow one
    /// gets fewer turns.
    pub patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    Right,
    /// The parser returned wrong events, this many.
    Wrong(u64),
    Panicked,
    /// The parser is too slow to measure: on a shorter stream it took this many ns per byte.
    Slow(f64),
}

/// Result of one contender in one cell.
pub struct Row {
    pub entry: Entry,
    pub verdict: Verdict,
    /// Nanoseconds for one pass over the corpus, one value for each turn; empty if the events were
    /// wrong.
    pub turns: Vec<f64>,
    /// Allocations of one pass.
    pub heap: Heap,
}

impl Row {
    pub fn median(&self) -> Option<f64> {
        let mut turns = self.turns.clone();
        turns.sort_by(f64::total_cmp);
        turns.get(turns.len() / 2).copied()
    }

    pub fn min(&self) -> Option<f64> {
        self.turns.iter().copied().min_by(f64::total_cmp)
    }
}

/// Measures one cell: the last corpus of `ladder`. The other corpora are shorter streams of its
/// shape, which reveal a quadratic parser before it takes minutes.
pub fn cell(entries: &[Entry], ladder: &[Corpus], chunking: Chunking, plan: Plan) -> Vec<Row> {
    let corpus = ladder.last().expect("a ladder has a step");
    let chunks = Chunks::new(corpus, chunking);
    let mut rows = Vec::new();
    let mut passes = Vec::new();
    for &entry in entries {
        let verdict = judge(entry, ladder, chunking, plan.patience);
        let (mut heap, mut each) = (Heap::default(), (0, 0));
        if verdict == Verdict::Right {
            heap = alloc::count(|| (entry.time)(&chunks)).1;
            let once = time(entry, &chunks, 1).max(1.0);
            let times = (plan.turn.as_nanos() as f64 / once).clamp(1.0, 1e6).round();
            let rounds = plan.patience.as_nanos() as f64 / (once * times);
            each = (times as u32, (rounds as usize).clamp(1, plan.rounds));
        }
        rows.push(Row { entry, verdict, turns: Vec::new(), heap });
        passes.push(each);
    }
    for round in 0..plan.rounds {
        for (row, &(times, rounds)) in rows.iter_mut().zip(&passes) {
            if round < rounds {
                row.turns.push(time(row.entry, &chunks, times));
            }
        }
    }
    rows
}

/// Measures one event of each of these sizes, smallest first: `(ns per byte, peak heap divided by
/// the event's size)`; `None` from the size on that takes too long.
pub fn growth(
    entry: Entry,
    sizes: &[usize],
    lines: bool,
    chunking: Chunking,
    patience: Duration,
) -> Vec<Option<(f64, f64)>> {
    let mut results = Vec::new();
    let mut last = 0.0;
    for &size in sizes {
        // Sixteen times as long as a stream of a quarter of the size: the worst is quadratic.
        if results.last() == Some(&None) || last * 16.0 > patience.as_nanos() as f64 {
            results.push(None);
            continue;
        }
        let corpus = Corpus::one_event(size, lines);
        let chunks = Chunks::new(&corpus, chunking);
        last = time(entry, &chunks, 1);
        let right = entry.role == Role::Limit || quietly(|| (entry.check)(&chunks)) == Some(corpus.expected);
        results.push(right.then(|| {
            let again = time(entry, &chunks, 1).min(last);
            let peak = alloc::count(|| (entry.time)(&chunks)).1.peak;
            (again / size as f64, peak as f64 / size as f64)
        }));
    }
    results
}

/// Nanoseconds of one pass, the mean of `times` passes.
fn time(entry: Entry, chunks: &Chunks, times: u32) -> f64 {
    let start = clock::now();
    for _ in 0..times {
        std::hint::black_box((entry.time)(chunks));
    }
    (clock::now() - start).as_nanos() as f64 / f64::from(times)
}

fn judge(entry: Entry, ladder: &[Corpus], chunking: Chunking, patience: Duration) -> Verdict {
    if entry.role == Role::Limit {
        return Verdict::Right;
    }
    let corpus = ladder.last().expect("a ladder has a step");
    for pair in ladder.windows(2) {
        let chunks = Chunks::new(&pair[0], chunking);
        let start = clock::now();
        if quietly(|| (entry.time)(&chunks)).is_none() {
            return Verdict::Panicked;
        }
        let spent = clock::now() - start;
        let growth = (pair[1].bytes.len() as f64 / pair[0].bytes.len() as f64).powi(2);
        if spent.mul_f64(growth) > patience {
            return Verdict::Slow(spent.as_nanos() as f64 / pair[0].bytes.len() as f64);
        }
    }
    match quietly(|| (entry.check)(&Chunks::new(corpus, chunking))) {
        Some(got) if got == corpus.expected => Verdict::Right,
        Some(got) => Verdict::Wrong(got.events),
        None => Verdict::Panicked,
    }
}

/// Runs `work` without printing a panic; `None` if it panicked.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    result.ok()
}
