//! Scenarios as data: the replies of a server, the behaviour of a correct client, and the
//! comparison with a client's behaviour.
//!
//! The tests of the adapters include this file, so the project's own clients have to pass the same
//! scenarios.

#![allow(dead_code, unreachable_pub, reason = "the tests use a part, and export it")]

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A scenario: replies, one for each connection, and the requests of a correct client.
#[derive(Clone, Debug, Deserialize)]
pub struct Scenario {
    pub name: String,
    /// The section of WHATWG HTML that has the rule, or another specification.
    pub section: String,
    /// The rule that the scenario tests, in words.
    pub rule: String,
    pub replies: Vec<Reply>,
    /// The expected requests; `None` means that any request is right.
    pub requests: Vec<Option<Request>>,
    /// The events that the application gets; `None` if they do not matter.
    #[serde(default)]
    pub events: Option<Vec<Event>>,
    /// Whether the client may reconnect after the last expected request.
    #[serde(default)]
    pub then: Then,
}

/// Expected behaviour after the last expected request.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The client sends no further request.
    Ends,
    /// The client may or may not send further requests.
    #[default]
    Any,
}

/// What the server does on one connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reply {
    pub status: Option<u16>,
    /// The headers of the response; `Content-Type: text/event-stream` unless given.
    pub headers: Option<Vec<(String, String)>>,
    /// The chunks of the body, each written at once.
    pub body: Vec<Text>,
    pub end: End,
    /// Whether the connection ends before a response head.
    pub silent: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// The response ends completely.
    #[default]
    Close,
    /// The connection is reset.
    Reset,
}

/// Bytes of a body: text, Base64 if it is not UTF-8, or a repeated text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Plain(String),
    Encoded { b64: String },
    Repeated { repeat: (String, usize) },
}

impl Text {
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Encoded { b64 } => {
                STANDARD.decode(b64).expect("the cases are valid: a test reads them all")
            }
            Self::Repeated { repeat: (text, times) } => text.repeat(*times).into_bytes(),
        }
    }
}

impl Reply {
    /// All writes of the reply: the head, then each chunk. Empty for a connection that ends before
    /// a head.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        if self.silent {
            return Vec::new();
        }
        let status = self.status.unwrap_or(200);
        let standard = || vec![("Content-Type".to_owned(), "text/event-stream".to_owned())];
        let mut head = format!("HTTP/1.1 {status} Scenario\r\nConnection: close\r\n");
        for (name, value) in self.headers.clone().unwrap_or_else(standard) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let has_body = !matches!(status, 204 | 304) && !head.contains("Content-Length");
        head.push_str(if has_body { "Transfer-Encoding: chunked\r\n\r\n" } else { "\r\n" });
        let mut pieces = vec![head.into_bytes()];
        if has_body {
            let chunks = self.body.iter().map(Text::bytes);
            pieces.extend(
                chunks.map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), &chunk, b"\r\n"].concat()),
            );
            if self.end == End::Close {
                pieces.push(b"0\r\n\r\n".to_vec());
            }
        }
        pieces
    }
}

/// An event that an application gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Event {
    #[serde(default = "message")]
    pub event: String,
    #[serde(default)]
    pub data: String,
    /// The last event ID; not compared if the client does not print it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The default event type, `message`.
pub fn message() -> String {
    "message".to_owned()
}

/// Whether two lists of events are equal; IDs are compared only if the client prints them.
pub fn same(expected: &[Event], seen: &[Event]) -> bool {
    expected.len() == seen.len()
        && expected.iter().zip(seen).all(|(a, b)| {
            a.event == b.event
                && a.data == b.data
                && (b.id.is_none()
                    || a.id.as_deref().unwrap_or_default() == b.id.as_deref().unwrap_or_default())
        })
}

/// Requirements for a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request {
    pub path: Option<String>,
    /// The required `Last-Event-ID`. Outer `None`: not checked. Inner `None`: the header must be
    /// absent.
    #[serde(deserialize_with = "present")]
    pub last_event_id: Option<Option<String>>,
    pub headers: BTreeMap<String, String>,
    /// The latest time after the end of the previous response, in milliseconds.
    pub within_ms: Option<u64>,
    /// The earliest time after the end of the previous response, in milliseconds.
    pub not_before_ms: Option<u64>,
}

/// A request that the server received.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The path with its query.
    pub path: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Time since the end of the previous response; for the first request, since the start.
    pub after: Duration,
}

impl Received {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &value[..])
    }
}

/// Which time limits are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Both limits: not too early and not too late.
    All,
    /// Only the earliest time.
    AtLeast,
}

impl Scenario {
    /// Checks whether these are the requests of a correct client; an error describes the
    /// difference.
    ///
    /// `Timing::AtLeast` does not check how late a request is, because that depends on the load of
    /// the machine.
    pub fn check(&self, seen: &[Received], timing: Timing) -> Result<(), String> {
        for (index, expected) in self.requests.iter().enumerate() {
            let Some(received) = seen.get(index) else {
                return Err(match index {
                    0 => "the client sent no request".to_owned(),
                    _ => format!(
                        "the client did not come back in time: request {} of {} is missing",
                        index + 1,
                        self.requests.len()
                    ),
                });
            };
            if let Some(expected) = expected {
                expected
                    .check(received, timing)
                    .map_err(|error| format!("request {}: {error}", index + 1))?;
            }
        }
        if self.then == Then::Ends && seen.len() > self.requests.len() {
            return Err(format!(
                "the client came back although it should not: request {}",
                self.requests.len() + 1
            ));
        }
        Ok(())
    }
}

impl Request {
    fn check(&self, received: &Received, timing: Timing) -> Result<(), String> {
        let expected = self;
        if let Some(path) = &expected.path
            && *path != received.path
        {
            return Err(format!("the path is {} in place of {path}", received.path));
        }
        if let Some(id) = &expected.last_event_id {
            let seen = received.header("last-event-id");
            if seen != id.as_ref().map(String::as_bytes) {
                let show = |id: Option<&[u8]>| {
                    id.map_or_else(|| "absent".to_owned(), |id| format!("`{}`", id.escape_ascii()))
                };
                return Err(format!(
                    "Last-Event-ID is {} in place of {}",
                    show(seen),
                    show(id.as_ref().map(String::as_bytes))
                ));
            }
        }
        for (name, value) in &expected.headers {
            let seen = received.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
            if !seen.as_ref().is_some_and(|seen| seen.contains(value.as_str())) {
                return Err(format!("{name} is {} in place of {value}", seen.as_deref().unwrap_or("absent")));
            }
        }
        let after = received.after.as_millis();
        match (expected.not_before_ms, expected.within_ms) {
            (Some(least), _) if after < u128::from(least) => {
                Err(format!("it came after {after} ms, before {least} ms were over"))
            }
            (_, Some(most)) if timing == Timing::All && after > u128::from(most) => {
                Err(format!("it came after {after} ms, later than {most} ms"))
            }
            _ => Ok(()),
        }
    }
}

/// Distinguishes `null` from a missing field.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The scenarios that test connections and reconnection.
pub fn all() -> Vec<Scenario> {
    serde_json::from_str(include_str!("../../../data/scenarios.json"))
        .expect("the scenarios are valid: a test reads them all")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_has_a_name_of_its_own() {
        let all = all();
        assert!(all.len() >= 40);
        let names: BTreeSet<_> = all.iter().map(|scenario| &scenario.name).collect();
        assert_eq!(names.len(), all.len());
        for scenario in &all {
            assert!(!scenario.rule.is_empty() && !scenario.requests.is_empty(), "{}", scenario.name);
            for reply in &scenario.replies {
                reply.body.iter().for_each(|text| drop(text.bytes()));
            }
        }
    }
}
