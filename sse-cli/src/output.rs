//! Printing of streams: events to the output, notes about the stream to standard error.

mod json;
mod template;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use proto::Event;
use time::OffsetDateTime;

use crate::failure::{FAILED, Failure};
use crate::terminal::Styles;
use crate::text::{Visible, visible_json};

pub(crate) use json::Line;
pub(crate) use template::{Template, Values};

/// The form in which events are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Type, ID and data, formatted for people.
    Text,
    /// One JSON object per line, for everything that happens.
    Json,
    /// The data alone.
    Data,
    /// A template with placeholders.
    Template(Template),
    /// No events: the bytes of the stream are written instead.
    Raw,
}

/// Settings of a [`Printer`].
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) form: Form,
    /// Ends each event with NUL instead of a line feed, and leaves the data unchanged.
    pub(crate) null: bool,
    /// Prints the URL of the stream in every line, because there are several streams.
    pub(crate) urls: bool,
    /// Prints the arrival time before each event, or in its JSON object.
    pub(crate) timestamps: bool,
    /// In text, prints comments and reconnection times to the output instead of to standard error.
    pub(crate) asides: bool,
}

/// The output of a command: a file, or standard output.
pub(crate) struct Output {
    out: Box<dyn Write + Send + Sync>,
    /// Whether the output is a terminal, which interprets control characters.
    terminal: bool,
    styles: Styles,
}

impl Output {
    pub(crate) fn stdout() -> Self {
        let out = io::stdout();
        Self { terminal: out.is_terminal(), styles: Styles::of_stdout(), out: Box::new(out) }
    }

    /// Creates or empties the file at `path`; opens standard output without a path, or with `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return Ok(Self::stdout()) };
        let file = File::create(path).map_err(|error| Failure::new(FAILED, path.display(), &error))?;
        Ok(Self { terminal: file.is_terminal(), styles: Styles::default(), out: Box::new(file) })
    }

    /// An output that discards everything.
    pub(crate) fn none() -> Self {
        Self { out: Box::new(io::sink()), terminal: false, styles: Styles::default() }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints streams and counts their events and comments.
///
/// Output is buffered: [`flush`](Self::flush) it before waiting.
pub(crate) struct Printer {
    out: BufWriter<Output>,
    look: Look,
    styles: Styles,
    status_styles: Styles,
    started: Instant,
    events: u64,
    comments: u64,
}

impl Printer {
    pub(crate) fn new(look: Look, output: Output) -> Self {
        Self {
            styles: output.styles,
            out: BufWriter::new(output),
            look,
            status_styles: Styles::of_stderr(),
            started: Instant::now(),
            events: 0,
            comments: 0,
        }
    }

    /// Number of events printed.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Prints an event of the stream at `url`.
    pub(crate) fn event(&mut self, url: Option<&str>, event: Event<'_>) -> io::Result<()> {
        self.events += 1;
        let null = self.look.null;
        match &self.look.form {
            Form::Raw => return Ok(()),
            Form::Text => return self.text_event(url, event),
            Form::Json => {
                let line = json::one_line(event.data);
                return self.line(Line {
                    kind: "event",
                    event: Some(event.event),
                    data: Some(event.data),
                    id: Some(event.id),
                    url,
                    json: json::value(&line),
                    ..Line::default()
                });
            }
            Form::Data => {
                let data = self.record(event.data);
                let time = self.time();
                write!(self.out, "{time}{data}")?;
            }
            Form::Template(template) => {
                let values = [event.id, event.event, event.data].map(|text| self.record(text));
                let values = Values {
                    id: &values[0],
                    event: &values[1],
                    data: &values[2],
                    time: &timestamp(),
                    url: url.unwrap_or_default(),
                };
                template.write(&mut self.out, values)?;
            }
        }
        self.out.write_all(if null { b"\0" } else { b"\n" })
    }

    fn text_event(&mut self, url: Option<&str>, event: Event<'_>) -> io::Result<()> {
        let Styles { event: style, id: id_style, aside, .. } = self.styles;
        let time = self.time();
        write!(self.out, "{aside}{time}{aside:#}")?;
        if let Some(url) = url.filter(|_| self.look.urls) {
            write!(self.out, "{aside}{url}{aside:#} ")?;
        }
        write!(self.out, "{style}{}{style:#}", self.shown(event.event))?;
        if !event.id.is_empty() {
            write!(self.out, " {id_style}#{}{id_style:#}", self.shown(event.id))?;
        }
        // Further lines are indented, so that none looks like an event.
        for (index, line) in event.data.split('\n').enumerate() {
            self.out.write_all(if index == 0 { b": " } else { b"  " })?;
            writeln!(self.out, "{}", self.shown(line))?;
        }
        Ok(())
    }

    /// Prints a comment.
    pub(crate) fn comment(&mut self, url: Option<&str>, comment: &str) -> io::Result<()> {
        self.comments += 1;
        let line = Line { kind: "comment", data: Some(comment), url, ..Line::default() };
        let shown = self.shown(comment).to_string();
        self.aside(line, format_args!(": {shown}"))
    }

    /// Prints the reconnection time that the server set.
    pub(crate) fn retry(&mut self, url: Option<&str>, time: Duration) -> io::Result<()> {
        let delay_ms = milliseconds(time);
        let line = Line { kind: "retry", delay_ms: Some(delay_ms), url, ..Line::default() };
        self.aside(line, format_args!("* retry: {delay_ms} ms"))
    }

    /// Prints a part of the stream that is not an event, for example a comment.
    fn aside(&mut self, line: Line<'_>, text: fmt::Arguments<'_>) -> io::Result<()> {
        match self.look.form {
            Form::Raw => Ok(()),
            Form::Json => self.line(line),
            _ if self.look.asides => {
                let style = self.styles.aside;
                writeln!(self.out, "{style}{text}{style:#}")
            }
            _ => self.remark(self.status_styles.aside, line.url, text),
        }
    }

    /// Prints a status message: an object with `--json`, otherwise a line on standard error.
    pub(crate) fn status(&mut self, line: Line<'_>, text: impl fmt::Display) -> io::Result<()> {
        if self.look.form == Form::Json {
            return self.line(line);
        }
        let styles = self.status_styles;
        let style = if line.kind == "disconnected" { styles.trouble } else { styles.status };
        self.remark(style, line.url, format_args!("* {text}"))
    }

    /// Prints the totals to standard error.
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

    /// Prints a note to standard error, after the events that come before it.
    pub(crate) fn note(&mut self, style: anstyle::Style, text: impl fmt::Display) -> io::Result<()> {
        self.remark(style, None, format_args!("* {text}"))
    }

    fn remark(
        &mut self,
        style: anstyle::Style,
        url: Option<&str>,
        text: fmt::Arguments<'_>,
    ) -> io::Result<()> {
        self.flush()?;
        let text = match url.filter(|_| self.look.urls) {
            Some(url) => format!("{url} {text}"),
            None => text.to_string(),
        };
        let time = if self.look.form == Form::Json { String::new() } else { self.time() };
        // A closed standard error is not a failure.
        let _ = writeln!(io::stderr(), "{style}{time}{}{style:#}", Visible(&text));
        Ok(())
    }

    /// Writes buffered output.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn line(&mut self, line: Line<'_>) -> io::Result<()> {
        let time = self.look.timestamps.then(timestamp);
        let url = line.url.filter(|_| self.look.urls);
        let json = serde_json::to_string(&Line { time: time.as_deref(), url, ..line })?;
        writeln!(self.out, "{}", visible_json(&json))
    }

    /// The time and a space; empty if times are not printed.
    fn time(&self) -> String {
        if self.look.timestamps { timestamp() + " " } else { String::new() }
    }

    /// Escapes in `text` the character that ends a record: the line feed, or NUL with `-0`.
    fn record<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = match self.look.null {
            true if text.contains('\0') => text.replace('\0', "\u{fffd}").into(),
            true => Cow::Borrowed(text),
            false => json::one_line(text),
        };
        if self.out.get_ref().terminal { Visible(&text).to_string().into() } else { text }
    }

    fn shown<'a>(&self, text: &'a str) -> Shown<'a> {
        Shown { text, terminal: self.out.get_ref().terminal }
    }
}

/// Text of the stream: unchanged in a file or a pipe, with escaped control characters on a
/// terminal.
struct Shown<'a> {
    text: &'a str,
    terminal: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terminal { Visible(self.text).fmt(f) } else { f.write_str(self.text) }
    }
}

/// Converts a time to whole milliseconds, limited to the largest number.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The current time in UTC, to the millisecond (RFC 3339).
fn timestamp() -> String {
    let now = OffsetDateTime::now_utc();
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second, milli) = now.to_hms_milli();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", u8::from(month))
}
