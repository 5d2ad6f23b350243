//! `sse check --parser`: compares another parser with this project's on random streams, and shrinks
//! the first stream that differs.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;

use super::Arguments;
use super::client::{Event, feed, parsed};
use crate::failure::{FAILED, Failure};

/// A parser that takes longer than this for one stream counts as stuck.
const STUCK: Duration = Duration::from_secs(5);

/// The pieces of generated streams: lines, line ends, and bytes that parsers often read wrongly.
const PIECES: &[&[u8]] = &[
    b"data: x",
    b"data:y",
    b"data",
    b"data: ",
    b"data:  two",
    b"data: \xff",
    "data: é\u{feff}".as_bytes(),
    b"event: add",
    b"event:",
    b"event: message",
    b"id: 1",
    b"id",
    b"id: 2\x003",
    b"id: \xc3\xa9",
    b"retry: 10",
    b"retry: x",
    b":",
    b": comment",
    b"foo: bar",
    b"Data: x",
    b" data: x",
    b"data : x",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\x0b",
    b"\0",
    b"{\"a\": 1}",
    b"data: [DONE]",
    b"\n",
    b"\n",
    b"\n",
    b"\n\n",
    b"\n\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r",
    b"\r\r",
    b"\n\r",
    b"",
];

/// SplitMix64 generator, so that a seed repeats a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Tries random streams until the parsers differ or the time is up.
pub(super) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let deadline = Instant::now() + arguments.seconds;
    let mut seed = arguments.seed;
    let mut tried = 0_u64;
    while Instant::now() < deadline || tried == 0 {
        let pieces = stream(seed);
        if differs(&arguments.command, &pieces).await? {
            let small = shrink(&arguments.command, pieces).await?;
            report(&arguments.command, &small, seed).await?;
            return Ok(FAILED.into());
        }
        tried += 1;
        seed += 1;
    }
    writeln!(std::io::stdout(), "{tried} random streams, no difference")?;
    Ok(ExitCode::SUCCESS)
}

/// Generates the stream of a seed.
fn stream(seed: u64) -> Vec<&'static [u8]> {
    let mut random = Random(seed);
    let length = 1 + random.below(40);
    (0..length).map(|_| PIECES[random.below(PIECES.len())]).collect()
}

async fn events(command: &[String], bytes: &[u8]) -> Result<Vec<Event>, Failure> {
    let output =
        feed(command, bytes, STUCK).await.map_err(|error| Failure::new(FAILED, &command[0], &error))?;
    Ok(output.lines().filter_map(super::client::of_line).collect())
}

async fn differs(command: &[String], pieces: &[&[u8]]) -> Result<bool, Failure> {
    let bytes = pieces.concat();
    Ok(!super::client::same(&parsed(&bytes), &events(command, &bytes).await?))
}

/// Removes pieces as long as the parsers still differ: halves first, then single pieces.
async fn shrink(command: &[String], mut pieces: Vec<&'static [u8]>) -> Result<Vec<&'static [u8]>, Failure> {
    let mut size = pieces.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < pieces.len() {
            let mut fewer = pieces.clone();
            fewer.drain(start..(start + size).min(fewer.len()));
            if differs(command, &fewer).await? {
                pieces = fewer;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
    Ok(pieces)
}

async fn report(command: &[String], pieces: &[&[u8]], seed: u64) -> Result<(), Failure> {
    let bytes = pieces.concat();
    let json = |events: &[Event]| serde_json::to_string(events).unwrap_or_default();
    let theirs = crate::text::visible_json(&json(&events(command, &bytes).await?));
    let mut out = std::io::stdout().lock();
    writeln!(out, "the parsers differ (--seed {seed}); the smallest stream found:")?;
    writeln!(out, "  stream:   {}", bytes.escape_ascii())?;
    writeln!(out, "  expected: {}", crate::text::visible_json(&json(&parsed(&bytes))))?;
    writeln!(out, "  printed:  {theirs}")?;
    Ok(())
}
