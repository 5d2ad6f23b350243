//! Output of `compare`: tables and CSV.

use std::fmt::Write as _;

use crate::{Api, Chunking, Corpus, Entry, Role, Row, Shape, Verdict};

/// The first line of the CSV file.
pub const CSV_HEADER: &str = "corpus,chunks,run,bytes,events,contender,api,verdict,median_ns,min_ns,ns_per_event,\
    mb_per_s,times_best_peer,allocations_per_event,allocated_bytes_per_event,peak_bytes\n";

/// Prints one cell, with a line for each contender.
pub fn print_cell(shape: Shape, chunking: Chunking, corpus: &Corpus, rows: &[Row]) {
    println!("\n{shape}, chunks {chunking}: {} bytes, {} events", corpus.bytes.len(), corpus.events);
    println!(
        "  {:<24} {:<8} {:>12} {:>9} {:>7} {:>10} {:>11} {:>10}",
        "", "events", "ns/event", "MB/s", "x best", "allocs/ev", "bytes/ev", "peak"
    );
    let unit = best(rows, |entry| entry.role == Role::Peer);
    for row in rows {
        print!("  {:<24} {:<8} ", row.entry.name, row.entry.api);
        let (Some(median), Verdict::Right) = (row.median(), row.verdict) else {
            println!("{}", verdict(row.verdict, corpus));
            continue;
        };
        let per_event = |total: f64| total / corpus.events as f64;
        print!("{:>12.1} {:>9.0} ", per_event(median), corpus.bytes.len() as f64 / median * 1e3);
        match unit {
            Some((_, unit)) => print!("{:>7.2} ", unit / median),
            None => print!("{:>7} ", ""),
        }
        println!(
            "{:>10.2} {:>11.1} {:>10}",
            per_event(row.heap.calls as f64),
            per_event(row.heap.bytes as f64),
            row.heap.peak
        );
    }
}

/// Writes one cell to the CSV file, with a record for each contender.
pub fn write_csv(
    out: &mut String,
    shape: Shape,
    chunking: Chunking,
    run: usize,
    corpus: &Corpus,
    rows: &[Row],
) {
    let unit = best(rows, |entry| entry.role == Role::Peer).map_or(f64::NAN, |(_, unit)| unit);
    for row in rows {
        let (median, min) = (row.median().unwrap_or(f64::NAN), row.min().unwrap_or(f64::NAN));
        let per_event = |total: f64| total / corpus.events as f64;
        writeln!(
            out,
            "{shape},{chunking},{run},{},{},\"{}\",{},{},{median:.0},{min:.0},{:.2},{:.1},{:.3},{:.3},{:.1},{}",
            corpus.bytes.len(),
            corpus.events,
            row.entry.name.replace('"', "\"\""),
            row.entry.api,
            verdict(row.verdict, corpus),
            per_event(median),
            corpus.bytes.len() as f64 / median * 1e3,
            unit / median,
            per_event(row.heap.calls as f64),
            per_event(row.heap.bytes as f64),
            row.heap.peak,
        )
        .expect("a String takes everything");
    }
}

/// One cell in the summary: this project's parser against the best peer.
pub struct Standing {
    cell: String,
    peer: String,
    owned_peer: String,
    /// Three ratios, one value for each run: borrowed events against the best peer, owned events
    /// against the best peer, owned events against the best peer that returns owned events.
    ratios: [Vec<f64>; 3],
    ns: [f64; 2],
    of_read: f64,
}

impl Standing {
    pub fn of(shape: Shape, chunking: Chunking, corpus: &Corpus, runs: &[Vec<Row>]) -> Self {
        // Our first parser that returns such events: `next_event`, and `Message` made from it.
        let ours = |rows: &[Row], wanted| {
            let mut rows = rows.iter().filter(|row| row.entry.role == Role::Ours && row.entry.api == wanted);
            rows.next().and_then(Row::median).unwrap_or(f64::NAN)
        };
        let peer = |entry: &Entry| entry.role == Role::Peer;
        let owned_peer = |entry: &Entry| entry.role == Role::Peer && entry.api == Api::Owned;
        let describe = |rows: &[Row], which: &dyn Fn(&Entry) -> bool| {
            best(rows, which).map_or_else(String::new, |(row, median)| {
                format!("{} {:.1}", row.entry.name, median / corpus.events as f64)
            })
        };
        let last = runs.last().expect("there is a run");
        let mut ratios = [Vec::new(), Vec::new(), Vec::new()];
        for rows in runs {
            let unit = best(rows, peer).map_or(f64::NAN, |row| row.1);
            let owned_unit = best(rows, owned_peer).map_or(f64::NAN, |row| row.1);
            ratios[0].push(unit / ours(rows, Api::Borrowed));
            ratios[1].push(unit / ours(rows, Api::Owned));
            ratios[2].push(owned_unit / ours(rows, Api::Owned));
        }
        let read = best(last, |entry| entry.name.contains("read every")).map_or(f64::NAN, |row| row.1);
        Self {
            cell: format!("{shape} {chunking}"),
            peer: describe(last, &peer),
            owned_peer: describe(last, &owned_peer),
            ratios,
            ns: [Api::Borrowed, Api::Owned].map(|api| ours(last, api) / corpus.events as f64),
            of_read: read / ours(last, Api::Borrowed),
        }
    }

    /// Prints the table of all cells, and the cells in which a peer is faster.
    pub fn print(standings: &[Self]) {
        println!(
            "\n{:<20} {:<32} {:<32} {:>10} {:>10} {:>8} {:>8} {:>9} {:>7}",
            "cell",
            "best peer (ns/event)",
            "best owned peer (ns/event)",
            "borrowed",
            "owned",
            "borrowed",
            "owned",
            "owned/own",
            "of read"
        );
        println!(
            "{:<20} {:<32} {:<32} {:>10} {:>10} {:>8} {:>8} {:>9}",
            "", "", "", "ns/event", "ns/event", "x best", "x best", "x best"
        );
        for standing in standings {
            print!("{:<20} {:<32} {:<32} ", standing.cell, standing.peer, standing.owned_peer);
            print!("{:>10.1} {:>10.1} ", standing.ns[0], standing.ns[1]);
            for (ratios, width) in standing.ratios.iter().zip([8, 8, 9]) {
                let mut sorted = ratios.clone();
                sorted.sort_by(f64::total_cmp);
                print!("{:>width$.2} ", sorted[sorted.len() / 2]);
            }
            print!("{:>7.2}", standing.of_read);
            // Noise may lose a run, so all of them have to be lost.
            for (ratios, name) in standing.ratios.iter().zip(["borrowed", "owned", "owned/own"]) {
                if ratios.iter().all(|&ratio| ratio < 0.97) {
                    print!(" LOST {name}");
                }
            }
            println!();
        }
    }
}

/// The fastest contender with right events among those that `which` selects.
fn best(rows: &[Row], which: impl Fn(&Entry) -> bool) -> Option<(&Row, f64)> {
    let timed = rows.iter().filter(|row| which(&row.entry)).filter_map(|row| Some((row, row.median()?)));
    timed.min_by(|a, b| a.1.total_cmp(&b.1))
}

fn verdict(verdict: Verdict, corpus: &Corpus) -> String {
    match verdict {
        Verdict::Right => "right".to_owned(),
        Verdict::Wrong(got) => format!("WRONG: {got} events of {}", corpus.events),
        Verdict::Panicked => "WRONG: panics".to_owned(),
        Verdict::Slow(ns) => format!("too slow: {ns:.0} ns/byte on a shorter stream"),
    }
}
