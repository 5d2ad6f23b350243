//! The output of the demo: the answer as it arrives, and a line for every reconnection.

use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use sse_tokio::{Cause, Error};

use super::Summary;
use crate::failure::chain;
use crate::terminal::Styles;

/// The demo's output on a terminal, or no output at all.
pub(super) struct Show {
    visible: bool,
    /// Whether the cursor stands after a token.
    in_line: bool,
    styles: Styles,
}

impl Show {
    pub(super) fn new(visible: bool) -> Self {
        Self { visible, in_line: false, styles: Styles::of_stdout() }
    }

    pub(super) fn begin(&mut self, address: SocketAddr, cuts: usize) -> io::Result<()> {
        let aside = self.styles.aside;
        self.print(format_args!(
            "{aside}A server on {address} streams an answer token by token, and cuts the connection {cuts} \
             times.{aside:#}\n\n"
        ))
    }

    pub(super) fn token(&mut self, token: &str) -> io::Result<()> {
        self.in_line = !token.ends_with('\n');
        self.print(format_args!("{token}"))
    }

    /// Shows that the server broke the connection at `place`.
    pub(super) fn disconnected(
        &mut self,
        place: Option<&str>,
        cause: &Cause,
        delay: Duration,
        last_event_id: &str,
    ) -> io::Result<()> {
        let style = self.styles.trouble;
        let cut = place.map_or(String::new(), |place| format!("cut {place}: "));
        let delay = delay.as_millis();
        self.end_line()?;
        self.print(format_args!(
            "{style}  ~ {cut}{cause}; again in {delay} ms, after ID {last_event_id}{style:#}\n"
        ))
    }

    /// Shows that the client gave up. The summary then counts the missing events.
    pub(super) fn failed(&mut self, error: &Error) {
        // Standard error may be closed.
        let _ = writeln!(io::stderr(), "sse demo: {}", chain(error));
    }

    pub(super) fn end(&mut self, summary: &Summary) -> io::Result<()> {
        let Summary { events, bytes, reconnects, lost, repeated } = summary;
        let style = if lost + repeated == 0 { self.styles.status } else { self.styles.trouble };
        self.end_line()?;
        self.print(format_args!(
            "\n{style}{events} events, {bytes} bytes, {reconnects} reconnections, {lost} lost, {repeated} \
             repeated{style:#}\n"
        ))
    }

    fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.in_line) { self.print(format_args!("\n")) } else { Ok(()) }
    }

    fn print(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        if self.visible {
            let mut stdout = io::stdout().lock();
            stdout.write_fmt(text)?;
            stdout.flush()?;
        }
        Ok(())
    }
}
