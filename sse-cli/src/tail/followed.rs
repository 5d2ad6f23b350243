//! One followed stream, and the printing of its events.

use std::io;

use sse_tokio::{Cause, CloseReason, Error, Event, EventSource};

use super::arguments::OutputArguments;
use crate::failure::{FAILED, REFUSED, chain, in_options};
use crate::output::{Line, Printer, milliseconds};
use crate::request::shown;

/// One followed stream.
pub(super) struct Followed {
    /// The URL of the stream without secrets.
    shown: String,
    pub(super) source: EventSource,
    /// Number of connections so far.
    pub(super) connections: u64,
    /// Whether the stream has ended for good.
    pub(super) ended: bool,
}

/// Why a stream ended.
pub(super) enum Ended {
    /// The user ended it; with the reason.
    Wish(&'static str),
    /// The server ended it, or its request is not repeated.
    Peer(Option<CloseReason>),
    /// As [`Ended::Peer`], before the event of `--until`.
    Early(Option<CloseReason>),
    Failure(Error),
}

impl Followed {
    pub(super) fn new(shown: String, source: EventSource) -> Self {
        Self { shown, source, connections: 0, ended: false }
    }

    /// Prints an event of the stream.
    pub(super) fn print(
        &mut self,
        printer: &mut Printer,
        output: &OutputArguments,
        event: Event,
    ) -> io::Result<()> {
        let url = Some(self.shown.as_str());
        match event {
            Event::Message(message) if output.prints(message.event()) => {
                printer.event(url, message.as_event())
            }
            Event::Comment(comment) => printer.comment(url, &comment),
            Event::Retry(time) => printer.retry(url, time),
            Event::Ignored(line) => {
                let object = Line { kind: "ignored", data: Some(&line), url, ..Line::default() };
                printer.status(object, format_args!("ignored: {line}"))
            }
            Event::Open(head) => {
                self.connections += 1;
                let line = Line { kind: "open", status: Some(head.status.as_u16()), url, ..Line::default() };
                let (url, status, version) = (shown(&head.url), head.status, head.version);
                printer.status(line, format_args!("open: {url}, {status} {version:?}"))
            }
            Event::Disconnected { cause, attempt, delay } => {
                let mut why = in_options(&cause.cause().to_string());
                if let Some(error) = cause.error().map(|error| chain(error))
                    && !why.contains(&error)
                {
                    why = format!("{why}: {error}");
                }
                let status = match cause.cause() {
                    Cause::Status(status) => Some(status),
                    _ => None,
                };
                let delay = milliseconds(delay);
                let line = Line {
                    kind: "disconnected",
                    status,
                    attempt: Some(attempt),
                    delay_ms: Some(delay),
                    cause: Some(&why),
                    url,
                    ..Line::default()
                };
                printer.status(line, format_args!("disconnected: {why}; attempt {attempt} in {delay} ms"))
            }
            _ => Ok(()),
        }
    }

    /// The URL of the stream without secrets.
    pub(super) fn name(&self) -> &str {
        &self.shown
    }

    /// Ends the stream and prints why. Returns the reason, and the exit code if it is a failure.
    pub(super) fn end(
        &mut self,
        printer: &mut Printer,
        json: bool,
        ended: Ended,
    ) -> io::Result<(String, Option<u8>)> {
        self.ended = true;
        self.source.close();
        let (cause, status, code) = match ended {
            Ended::Wish(cause) => (cause.to_owned(), None, None),
            Ended::Peer(reason) => (explained(reason), status(reason), None),
            Ended::Early(reason) => {
                let cause = format!("it ended before the event of --until: {}", explained(reason));
                (cause, status(reason), Some(FAILED))
            }
            Ended::Failure(error) => {
                let status = error.status().map(|status| status.as_u16());
                let refused = error.head().is_some() && error.reason().is_some_and(is_refusal);
                (chain(&error), status, Some(if refused { REFUSED } else { FAILED }))
            }
        };
        let url = Some(self.shown.as_str());
        let line = Line { kind: "closed", status, cause: Some(&cause), url, ..Line::default() };
        // In text, the failure is a message of its own.
        if json || code.is_none() {
            printer.status(line, format_args!("closed: {cause}"))?;
        }
        Ok((cause, code))
    }
}

/// Why the server or the policy ended a stream.
fn explained(reason: Option<CloseReason>) -> String {
    reason.map_or("closed".to_owned(), |reason| in_options(&reason.to_string()))
}

/// The status that ended a stream without a failure.
fn status(reason: Option<CloseReason>) -> Option<u16> {
    (reason == Some(CloseReason::NoContent)).then_some(204)
}

fn is_refusal(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::Status(_)
            | CloseReason::ContentType
            | CloseReason::ContentEncoding(_)
            | CloseReason::TransferEncoding(_)
            | CloseReason::Rejected
            | CloseReason::NotRepeated(Cause::Status(_))
            | CloseReason::GaveUp { cause: Cause::Status(_), .. }
    )
}
