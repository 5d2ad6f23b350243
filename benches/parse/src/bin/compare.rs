//! Comparison of all parsers: see `compare --help`.

use std::process::ExitCode;
use std::time::Duration;

use bench_parse::report::{self, Standing};
use bench_parse::{Chunking, Corpus, Entry, Plan, Role, Shape, cell, entries, growth};

#[global_allocator]
static ALLOCATOR: bench_parse::alloc::Counting = bench_parse::alloc::Counting;

const HELP: &str = "\
compare: parsing measured against the peers

  --corpus A,B       openai anthropic tiny 64k-line 20-lines feed openai-crlf anthropic-crlf openai-cr
                     keep-alive chinese colons comments id-retry mcp wikimedia mixed (default: all)
  --chunks A,B       whole 16k 1400 event 64 8 3 1 random, random-SEED, or any number of bytes (default: the first nine)
  --only A,B         contenders whose name contains one of these, and the limits
  --size N           bytes of stream, with K or M (default 256K, which stays in the cache)
  --cold             the same as --size 16M --chunks 16k
  --rounds N         turns of each contender in a run, their median counts (default 11)
  --turn MS          how long a turn lasts (default 3)
  --runs N           runs of each cell; one is lost when all of them are below 0.97 (default 1)
  --patience S       leave out who would need longer for one pass (default 4)
  --summary          ours against the best peer only, no table for each cell
  --csv FILE         write every number
  --growth           one event of 1, 4, 16, 64 MiB: ns per byte and peak heap over the event's size
";

struct Options {
    shapes: Vec<Shape>,
    chunkings: Vec<Chunking>,
    entries: Vec<Entry>,
    size: usize,
    plan: Plan,
    runs: usize,
    summary: bool,
    csv: Option<String>,
    growth: bool,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("compare: {message}; try --help");
            return ExitCode::from(2);
        }
    };
    if options.growth {
        print_growth(&options);
        return ExitCode::SUCCESS;
    }
    let mut csv = report::CSV_HEADER.to_owned();
    let mut standings = Vec::new();
    for &shape in &options.shapes {
        let ladder = ladder(shape, options.size);
        let corpus = ladder.last().expect("a ladder has a step");
        for &chunking in &options.chunkings {
            let mut runs = Vec::new();
            for run in 0..options.runs {
                let rows = cell(&options.entries, &ladder, chunking, options.plan);
                if !options.summary {
                    report::print_cell(shape, chunking, corpus, &rows);
                }
                report::write_csv(&mut csv, shape, chunking, run, corpus, &rows);
                runs.push(rows);
            }
            standings.push(Standing::of(shape, chunking, corpus, &runs));
        }
    }
    Standing::print(&standings);
    if let Some(path) = &options.csv
        && let Err(error) = std::fs::write(path, csv)
    {
        eprintln!("compare: cannot write {path}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn options() -> Result<Option<Options>, String> {
    let mut options = Options {
        shapes: Shape::ALL.to_vec(),
        chunkings: Chunking::ALL.to_vec(),
        entries: entries(),
        size: 256 << 10,
        plan: Plan { rounds: 11, turn: Duration::from_millis(3), patience: Duration::from_secs(4) },
        runs: 1,
        summary: false,
        csv: None,
        growth: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--corpus" => options.shapes = list(&value()?, Shape::parse)?,
            "--chunks" => options.chunkings = list(&value()?, Chunking::parse)?,
            "--only" => {
                let value = value()?;
                let wanted = |entry: &Entry| value.split(',').any(|part| entry.name.contains(part));
                options.entries.retain(|entry| entry.role == Role::Limit || wanted(entry));
            }
            "--size" => options.size = bytes(&value()?)?,
            "--cold" => (options.size, options.chunkings) = (16 << 20, vec![Chunking::Size(16 << 10)]),
            "--rounds" => options.plan.rounds = number(&value()?)?.max(1),
            "--turn" => options.plan.turn = Duration::from_millis(number(&value()?)? as u64),
            "--patience" => options.plan.patience = Duration::from_secs(number(&value()?)? as u64),
            "--runs" => options.runs = number(&value()?)?.max(1),
            "--summary" => options.summary = true,
            "--csv" => options.csv = Some(value()?),
            "--growth" => options.growth = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("what is {arg}?")),
        }
    }
    Ok(Some(options))
}

fn list<T>(names: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    names.split(',').map(|name| parse(name).ok_or(format!("what is {name}?"))).collect()
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn bytes(text: &str) -> Result<usize, String> {
    match text.strip_suffix(['K', 'M']) {
        Some(number_of) => Ok(number(number_of)? << if text.ends_with('K') { 10 } else { 20 }),
        None => number(text),
    }
}

/// Streams of increasing size: 64 KiB, 256 KiB, .. up to `size`.
fn ladder(shape: Shape, size: usize) -> Vec<Corpus> {
    let steps = std::iter::successors(Some(64 << 10), |step| Some(step * 4)).take_while(|&step| step < size);
    steps.chain([size]).map(|step| Corpus::new(shape, step)).collect()
}

fn print_growth(options: &Options) {
    // The two short ones find out who is quadratic; they are not printed.
    let sizes = [16, 18, 20, 22, 24, 26].map(|bits| 1 << bits);
    for lines in [false, true] {
        for chunking in [Chunking::Size(1400), Chunking::Size(64)] {
            println!(
                "\none event of 1, 4, 16, 64 MiB in {}, chunks {chunking}: ns/byte (peak heap / event size)",
                if lines { "lines of 60 bytes" } else { "one line" }
            );
            for &entry in &options.entries {
                print!("  {:<24} {:<8}", entry.name, entry.api);
                for point in &growth(entry, &sizes, lines, chunking, options.plan.patience)[2..] {
                    match point {
                        Some((ns, peak)) => print!(" {ns:>8.3} ({peak:>4.2})"),
                        None => print!(" {:>15}", "-"),
                    }
                }
                println!();
            }
        }
    }
}
