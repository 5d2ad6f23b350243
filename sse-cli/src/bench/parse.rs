//! `sse bench --parse`: measures how fast a captured stream is parsed on this machine.
//!
//! Two simple loops over the same bytes are measured too, and show the limits of the machine.

mod heap;
mod report;

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use proto::{Finish, Frame, Limits, Parser};

use crate::failure::{FAILED, Failure, USAGE};
use crate::input::{Chunk, Input};
use report::{Report, Row};

/// The shortest time that is measured at once, so that reading the clock does not matter.
const BATCH: Duration = Duration::from_millis(2);

/// Default chunk sizes: the whole stream, a read of a socket or of TLS, a packet, a token.
const CHUNKS: [usize; 4] = [usize::MAX, 16 << 10, 1400, 64];

/// Options of `--parse`.
#[derive(Args, Debug)]
#[command(next_help_heading = "Parsing")]
pub(super) struct ParseArguments {
    /// Measure the parser instead of a hub, on this file: a captured stream, or a recording of `sse
    /// tail --record`; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["url", "subscribers", "patience", "pid", "remote", "headers", "publish"]
    )]
    parse: Option<PathBuf>,

    /// Sizes of the chunks that the parser gets, in bytes, separated by commas: 1400, 16k, 1M, or
    /// `whole` [default: whole,16k,1400,64]
    #[arg(
        long,
        value_name = "SIZE,..",
        value_delimiter = ',',
        value_parser = size
    )]
    chunks: Vec<usize>,
}

impl ParseArguments {
    /// Whether the parser is to be measured instead of a hub.
    ///
    /// # Errors
    ///
    /// If options of `--parse` are given without it.
    pub(super) fn is_given(&self) -> Result<bool, Failure> {
        if self.parse.is_none() && !self.chunks.is_empty() {
            let message = "--chunks belongs to --parse FILE; add it, or drop --chunks".to_owned();
            return Err(Failure::Other { message, code: USAGE });
        }
        Ok(self.parse.is_some())
    }
}

/// Parses a size such as `16k`; `whole` is the largest number.
fn size(text: &str) -> Result<usize, &'static str> {
    if text == "whole" {
        return Ok(usize::MAX);
    }
    let (digits, unit) = match text.char_indices().next_back() {
        Some((end, 'k' | 'K')) => (&text[..end], 1 << 10),
        Some((end, 'm' | 'M')) => (&text[..end], 1 << 20),
        _ => (text, 1),
    };
    let number = digits.parse::<usize>().ok().filter(|number| *number > 0);
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or("not a size; write bytes such as 1400, or 16k, 1M, or `whole`")
}

/// Number of frames of each kind in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    events: u64,
    comments: u64,
}

/// Measures the parser for `seconds` in total, and prints the report.
pub(super) fn run(arguments: &ParseArguments, seconds: Duration, json: bool) -> Result<ExitCode, Failure> {
    let (mut input, name) = Input::open(arguments.parse.as_deref())?;
    let connections = connections(&mut input).map_err(|error| Failure::new(FAILED, &name, &error))?;
    let bytes: usize = connections.iter().map(Vec::len).sum();
    if bytes == 0 {
        return Err(Failure::Other {
            message: format!("{name}: there are no bytes of a stream in it"),
            code: FAILED,
        });
    }
    let failed = |error: proto::Error| Failure::new(FAILED, &name, &error);
    let counts = parse(&connections, usize::MAX).map_err(failed)?;
    let chunks = if arguments.chunks.is_empty() { &CHUNKS[..] } else { &arguments.chunks };
    let time = seconds.div_f64((chunks.len() + 2) as f64);
    let row = |name: &str, seconds| Row { name: name.to_owned(), chunk: None, seconds, heap: None };
    let mut rows = vec![
        row("every byte read once", fastest(time, || each(&connections, sum))),
        row("line ends (memchr2)", fastest(time, || each(&connections, line_ends))),
    ];
    for chunk in chunks {
        let (counted, heap) = heap::count(|| parse(&connections, *chunk));
        counted.map_err(failed)?;
        let seconds = fastest(time, || {
            // The first pass has shown that it succeeds.
            let _ = black_box(parse(&connections, *chunk));
        });
        let name = match *chunk {
            usize::MAX => "parsed whole".to_owned(),
            chunk => format!("parsed in chunks of {chunk}"),
        };
        rows.push(Row { name, chunk: Some(*chunk), seconds, heap: Some(heap) });
    }
    let report = Report { file: &name, connections: connections.len(), bytes, counts, rows };
    report.print(json)?;
    Ok(ExitCode::SUCCESS)
}

/// The bytes of each connection in the input, without empty ones.
fn connections(input: &mut Input) -> std::io::Result<Vec<Vec<u8>>> {
    let mut connections = vec![Vec::new()];
    while let Some(chunk) = input.next()? {
        match (chunk, connections.last_mut()) {
            (Chunk::Bytes(bytes), Some(connection)) => connection.extend_from_slice(&bytes),
            _ => connections.push(Vec::new()),
        }
    }
    connections.retain(|connection| !connection.is_empty());
    Ok(connections)
}

/// Parses every connection in chunks of this size.
fn parse(connections: &[Vec<u8>], chunk: usize) -> Result<Counts, proto::Error> {
    let mut counts = Counts::default();
    for connection in connections {
        // The whole stream is in memory already, so that a limit protects nothing.
        let limits = Limits::default().with_event(usize::MAX).with_id(usize::MAX);
        let mut parser = Parser::new().with_limits(limits);
        for mut rest in connection.chunks(chunk) {
            while let Some(frame) = parser.next_frame(&mut rest)? {
                match black_box(frame) {
                    Frame::Event(_) => counts.events += 1,
                    Frame::Comment(_) => counts.comments += 1,
                    _ => {}
                }
            }
        }
        debug_assert!(!matches!(parser.finish(), Finish::Flushed(_)), "deliver_unterminated is off");
    }
    Ok(counts)
}

fn each(connections: &[Vec<u8>], work: impl Fn(&[u8]) -> usize) {
    for connection in connections {
        black_box(work(black_box(connection)));
    }
}

fn sum(bytes: &[u8]) -> usize {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).into()
}

fn line_ends(bytes: &[u8]) -> usize {
    memchr::memchr2_iter(b'\n', b'\r', bytes).count()
}

/// Seconds of the fastest pass among those that fit into `time`.
fn fastest(time: Duration, mut pass: impl FnMut()) -> f64 {
    let start = Instant::now();
    let (mut passes, mut best) = (1_u32, f64::INFINITY);
    loop {
        let begin = Instant::now();
        for _ in 0..passes {
            pass();
        }
        let taken = begin.elapsed();
        if taken < BATCH {
            passes = passes.saturating_mul(2);
        } else {
            best = best.min(taken.as_secs_f64() / f64::from(passes));
        }
        if start.elapsed() >= time && best.is_finite() {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1400"), Ok(1400));
        assert_eq!(size("16k"), Ok(16 << 10));
        assert_eq!(size("1M"), Ok(1 << 20));
        assert_eq!(size("whole"), Ok(usize::MAX));
        for wrong in ["", "0", "k", "-1", "1.5k", "99999999999999999M"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_connection_is_parsed_alone_in_any_chunks() {
        let connections = [b"data: 1\n\n: c\n\ndata: cut".to_vec(), b"\n\ndata: 2\n\n".to_vec()];
        for chunk in [1, 2, 7, usize::MAX] {
            assert_eq!(parse(&connections, chunk).unwrap(), Counts { events: 2, comments: 1 });
        }
    }

    #[test]
    fn allocations_are_counted_only_inside_count() {
        let (kept, heap) = heap::count(|| vec![0_u8; 1000]);
        drop(kept);
        assert!(heap.calls >= 1 && heap.bytes >= 1000, "{heap:?}");
    }
}
