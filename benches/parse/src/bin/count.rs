//! Program for callgrind: `count CORPUS CHUNKS CONTENDER [BYTES]` does the work of one cell in the
//! function `counted`, and all preparation outside it; `benches/count.sh` collects within that
//! function and divides by the number of events.

use std::process::ExitCode;

use bench_parse::{Chunking, Chunks, Corpus, Entry, Shape, Tally, entries};

const BYTES: &str = "262144";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shape, chunking, name, bytes @ ..] = args.as_slice() else {
        eprintln!("usage: count CORPUS CHUNKS CONTENDER [BYTES]");
        return ExitCode::from(2);
    };
    let entry = entries().into_iter().find(|entry| entry.name == name);
    let bytes = bytes.first().map_or(BYTES, |bytes| bytes).parse();
    let (Some(shape), Some(chunking), Some(entry), Ok(bytes)) =
        (Shape::parse(shape), Chunking::parse(chunking), entry, bytes)
    else {
        eprintln!("count: not a cell: {}", args.join(" "));
        return ExitCode::from(2);
    };
    let corpus = Corpus::new(shape, bytes);
    let chunks = Chunks::new(&corpus, chunking);
    if (entry.check)(&chunks) != corpus.expected {
        eprintln!("count: {name} gives other events for {shape} {chunking}");
        return ExitCode::FAILURE;
    }
    println!("events {}", counted(entry, &chunks).events);
    ExitCode::SUCCESS
}

#[inline(never)]
#[unsafe(no_mangle)]
fn counted(entry: Entry, chunks: &Chunks) -> Tally {
    (entry.time)(chunks)
}
