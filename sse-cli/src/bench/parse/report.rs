//! Report of `sse bench --parse`, for people and for scripts.

use std::io::{self, IsTerminal as _, Write};

use serde_json::{Value, json};

use super::Counts;
use super::heap::Heap;
use crate::text::Visible;

/// Width of the longest bar, in columns.
const BAR: f64 = 24.0;

/// All measurements of the report.
pub(super) struct Report<'a> {
    pub(super) file: &'a str,
    pub(super) connections: usize,
    pub(super) bytes: usize,
    pub(super) counts: Counts,
    pub(super) rows: Vec<Row>,
}

/// Measurement of one way to go through the bytes.
pub(super) struct Row {
    pub(super) name: String,
    /// Chunk size in bytes; `None` for the simple loops.
    pub(super) chunk: Option<usize>,
    /// Time of one pass.
    pub(super) seconds: f64,
    /// Allocations of one pass of the parser.
    pub(super) heap: Option<Heap>,
}

impl Report<'_> {
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        if cfg!(debug_assertions) {
            // A closed standard error is not a failure.
            let _ = writeln!(io::stderr(), "* this build is not optimised: the figures are far too low");
        }
        let mut out = io::stdout();
        if json {
            return writeln!(out, "{}", self.json());
        }
        let bars = out.is_terminal();
        self.text(&mut out.lock(), bars)
    }

    fn json(&self) -> Value {
        let row = |row: &Row| {
            let mut object = json!({ "bytes_per_second": self.bytes as f64 / row.seconds });
            match (row.chunk, row.heap) {
                (Some(chunk), Some(heap)) => {
                    // The chunk size `whole` has no number.
                    object["chunk"] = json!((chunk != usize::MAX).then_some(chunk));
                    object["events_per_second"] = json!(self.counts.events as f64 / row.seconds);
                    object["allocations"] = json!(heap.calls);
                    object["allocated_bytes"] = json!(heap.bytes);
                }
                _ => object["name"] = json!(row.name),
            }
            object
        };
        let (limits, parse): (Vec<_>, Vec<_>) = self.rows.iter().partition(|row| row.chunk.is_none());
        json!({
            "file": self.file,
            "connections": self.connections,
            "bytes": self.bytes,
            "events": self.counts.events,
            "comments": self.counts.comments,
            "limits": limits.into_iter().map(row).collect::<Vec<_>>(),
            "parse": parse.into_iter().map(row).collect::<Vec<_>>(),
        })
    }

    fn text(&self, out: &mut impl Write, bars: bool) -> io::Result<()> {
        let Counts { events, comments } = self.counts;
        writeln!(
            out,
            "{}: {} bytes, {events} events, {comments} comments, connections: {}\n",
            Visible(self.file),
            self.bytes,
            self.connections
        )?;
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
        writeln!(out, "{:width$}  {:>9}  {:>11}  {:>11}", "", "MB/s", "events/s", "allocations")?;
        let fastest = self.rows.iter().map(|row| row.seconds).fold(f64::INFINITY, f64::min);
        for row in &self.rows {
            let rate = self.bytes as f64 / row.seconds / 1e6;
            write!(out, "{:width$}  {rate:>9.0}", row.name)?;
            match row.heap {
                Some(heap) => write!(out, "  {:>11.0}  {:>11}", events as f64 / row.seconds, heap.calls)?,
                None => write!(out, "  {:>11}  {:>11}", "-", "-")?,
            }
            if bars {
                write!(out, "  {}", "█".repeat((BAR * fastest / row.seconds).ceil() as usize))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report<'static> {
        let heap = Some(Heap { calls: 3, bytes: 100 });
        let rows = vec![
            Row { name: "plain".into(), chunk: None, seconds: 0.5, heap: None },
            Row { name: "parsed".into(), chunk: Some(64), seconds: 1.0, heap },
        ];
        Report {
            file: "f",
            connections: 1,
            bytes: 4_000_000,
            counts: Counts { events: 10, comments: 1 },
            rows,
        }
    }

    #[test]
    fn bars_are_relative_to_the_fastest_line() {
        let mut out = Vec::new();
        report().text(&mut out, true).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lengths: Vec<_> = text.lines().skip(3).map(|line| line.matches('█').count()).collect();
        assert_eq!(lengths, [24, 12], "{text}");
        let mut out = Vec::new();
        report().text(&mut out, false).unwrap();
        assert!(!String::from_utf8(out).unwrap().contains('█'));
    }

    #[test]
    fn json_has_rates_of_a_second() {
        let json = report().json();
        assert_eq!(json["limits"], json!([{"name": "plain", "bytes_per_second": 8e6}]));
        let parse = json!([{"chunk": 64, "bytes_per_second": 4e6, "events_per_second": 10.0, "allocations": 3,
            "allocated_bytes": 100}]);
        assert_eq!(json["parse"], parse);
    }
}
