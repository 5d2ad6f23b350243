//! Output of the `follow` examples of all adapters: the lines of `sse tail --json`.

use std::process::ExitCode;

use serde::Serialize;
use sse_http::client::{Error, Event};
use sse_http::proto::{Cause, CloseReason};

/// One line of JSON. Of the fields, those that apply are there.
#[derive(Default, Serialize)]
struct Line<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

/// The URL, and the body of `--post`.
pub(crate) fn arguments() -> Result<(String, Option<String>), &'static str> {
    const USAGE: &str = "usage: follow URL [--post DATA]";
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or(USAGE)?;
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok((url, None)),
        (Some("--post"), Some(data)) => Ok((url, Some(data))),
        _ => Err(USAGE),
    }
}

/// Prints an event.
pub(crate) fn event(event: &Event) {
    let milliseconds = |time: &std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    match event {
        Event::Open(head) => {
            print(&Line { kind: "open", status: Some(head.status.as_u16()), ..Line::default() });
        }
        Event::Message(message) => print(&Line {
            kind: "event",
            event: Some(message.event()),
            data: Some(message.data()),
            id: Some(message.id()),
            ..Line::default()
        }),
        Event::Comment(comment) => print(&Line { kind: "comment", data: Some(comment), ..Line::default() }),
        Event::Retry(time) => {
            print(&Line { kind: "retry", delay_ms: Some(milliseconds(time)), ..Line::default() });
        }
        Event::Disconnected { cause, attempt, delay } => {
            let status = match cause.cause() {
                Cause::Status(status) => Some(status),
                _ => None,
            };
            print(&Line {
                kind: "disconnected",
                status,
                attempt: Some(*attempt),
                delay_ms: Some(milliseconds(delay)),
                cause: Some(&cause.to_string()),
                ..Line::default()
            });
        }
        _ => {}
    }
}

/// Prints the end of a source, which failed or did not.
pub(crate) fn closed<B>(error: Option<&Error<B>>, reason: Option<CloseReason>) -> ExitCode {
    let (status, cause, code) = match error {
        Some(error) => {
            let status = error.status().map(|status| status.as_u16());
            (status, error.to_string(), if status.is_some() { 3 } else { 1 })
        }
        None => {
            let status = (reason == Some(CloseReason::NoContent)).then_some(204);
            (status, reason.map_or_else(|| "closed".into(), |reason| reason.to_string()), 0)
        }
    };
    print(&Line { kind: "closed", status, cause: Some(&cause), ..Line::default() });
    code.into()
}

fn print(line: &Line<'_>) {
    println!("{}", serde_json::to_string(line).expect("strings and numbers are JSON"));
}
