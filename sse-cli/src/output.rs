//! How a stream is printed: what it says on standard output, what is said about it on standard error.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};
use std::time::{Duration, Instant};

use proto::Event;
use serde::Serialize;

use crate::terminal::Styles;
use crate::text::{Visible, visible_json};

/// One line of JSON. Of the fields, those that apply are there.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'a str>,
}

/// What the output looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// An object a line.
    Json,
    /// Nothing of ours: the bytes of the stream are written elsewhere.
    Raw,
}

/// Prints a stream, and counts.
///
/// What is printed is buffered: [`flush`](Self::flush) it before waiting.
pub(crate) struct Printer {
    out: BufWriter<Stdout>,
    format: Format,
    /// Whether control characters would be obeyed.
    terminal: bool,
    styles: Styles,
    status_styles: Styles,
    started: Instant,
    events: u64,
    comments: u64,
}

impl Printer {
    pub(crate) fn new(format: Format) -> Self {
        let out = io::stdout();
        Self {
            format,
            terminal: out.is_terminal(),
            out: BufWriter::new(out),
            styles: Styles::of_stdout(),
            status_styles: Styles::of_stderr(),
            started: Instant::now(),
            events: 0,
            comments: 0,
        }
    }

    /// How many events were printed.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        self.events += 1;
        match self.format {
            Format::Raw => Ok(()),
            Format::Json => self.line(&Line {
                kind: "event",
                event: Some(event.event),
                data: Some(event.data),
                id: Some(event.id),
                ..Line::default()
            }),
            Format::Text => {
                let Styles { event: style, id: id_style, .. } = self.styles;
                write!(self.out, "{style}{}{style:#}", self.shown(event.event))?;
                if !event.id.is_empty() {
                    write!(self.out, " {id_style}#{}{id_style:#}", self.shown(event.id))?;
                }
                // Further lines are indented, so that none can pass for an event.
                for (index, line) in event.data.split('\n').enumerate() {
                    self.out.write_all(if index == 0 { b": " } else { b"  " })?;
                    writeln!(self.out, "{}", self.shown(line))?;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn comment(&mut self, comment: &str) -> io::Result<()> {
        self.comments += 1;
        match self.format {
            Format::Raw => Ok(()),
            Format::Json => self.line(&Line { kind: "comment", data: Some(comment), ..Line::default() }),
            Format::Text => {
                let style = self.styles.aside;
                writeln!(self.out, "{style}: {}{style:#}", self.shown(comment))
            }
        }
    }

    /// The server set the reconnection time.
    pub(crate) fn retry(&mut self, time: Duration) -> io::Result<()> {
        let delay_ms = milliseconds(time);
        match self.format {
            Format::Raw => Ok(()),
            Format::Json => self.line(&Line { kind: "retry", delay_ms: Some(delay_ms), ..Line::default() }),
            Format::Text => {
                let style = self.styles.aside;
                writeln!(self.out, "{style}* retry: {delay_ms} ms{style:#}")
            }
        }
    }

    /// Something that is not in the stream: an object on standard output, or else a line on standard error.
    pub(crate) fn status(&mut self, line: &Line<'_>, text: impl fmt::Display) -> io::Result<()> {
        if self.format == Format::Json {
            return self.line(line);
        }
        let styles = self.status_styles;
        self.note(if line.kind == "disconnected" { styles.trouble } else { styles.status }, text)
    }

    /// Says what it came to, on standard error.
    pub(crate) fn summary(&mut self, bytes: u64, reconnections: Option<u64>) -> io::Result<()> {
        let counted = |count: u64, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let mut text =
            [counted(self.events, "event"), counted(self.comments, "comment"), counted(bytes, "byte")]
                .join(", ");
        if let Some(count) = reconnections {
            let time = self.started.elapsed().as_secs_f64();
            text.push_str(&format!(", {}, {time:.1} s", counted(count, "reconnection")));
        }
        self.note(self.status_styles.aside, text)
    }

    /// Prints a line to standard error, after what is due on standard output.
    pub(crate) fn note(&mut self, style: anstyle::Style, text: impl fmt::Display) -> io::Result<()> {
        self.flush()?;
        // Nobody has to listen.
        let _ = writeln!(io::stderr(), "{style}* {}{style:#}", Visible(&text.to_string()));
        Ok(())
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let json = serde_json::to_string(line)?;
        writeln!(self.out, "{}", visible_json(&json))
    }

    fn shown<'a>(&self, text: &'a str) -> Shown<'a> {
        Shown { text, terminal: self.terminal }
    }
}

/// Text of the stream: as it is in a file or pipe, harmless on a terminal.
struct Shown<'a> {
    text: &'a str,
    terminal: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terminal { Visible(self.text).fmt(f) } else { f.write_str(self.text) }
    }
}

/// Whole milliseconds; the largest number of them stands for more.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
