//! Scenarios as data: what a server answers, and what a right client does.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Event;

/// One scenario: replies, one for each connection, and the requests that a right client makes.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// The section of WHATWG HTML that has the rule, or another specification.
    pub(crate) section: String,
    /// The rule, in words.
    pub(crate) rule: String,
    pub(crate) replies: Vec<Reply>,
    /// `None` stands for a request that is not looked at.
    pub(crate) requests: Vec<Option<Request>>,
    /// What the application gets; `None` if that does not matter.
    #[serde(default)]
    pub(crate) events: Option<Vec<Event>>,
    /// Whether the client may come back after the last expected request.
    #[serde(default)]
    pub(crate) then: Then,
}

/// What follows the last expected request.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Then {
    /// No further request.
    Ends,
    /// Anything.
    #[default]
    Any,
}

/// What the server does with a connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reply {
    pub(crate) status: Option<u16>,
    /// `Content-Type: text/event-stream` unless given.
    pub(crate) headers: Option<Vec<(String, String)>>,
    /// Chunks of the body, each written at once.
    pub(crate) body: Vec<Text>,
    pub(crate) end: End,
    /// Whether the connection ends before a head is sent.
    pub(crate) silent: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// As HTTP has it.
    #[default]
    Close,
    /// By a reset.
    Reset,
}

/// Bytes: text, Base64 for what is not UTF-8, or a text so many times.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Plain(String),
    Encoded { b64: String },
    Repeated { repeat: (String, usize) },
}

impl Text {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.clone().into_bytes(),
            Self::Encoded { b64 } => {
                STANDARD.decode(b64).expect("the cases are valid: a test reads them all")
            }
            Self::Repeated { repeat: (text, times) } => text.repeat(*times).into_bytes(),
        }
    }
}

/// What a request must be like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Request {
    pub(crate) path: Option<String>,
    /// Outer `None`: not looked at. Inner `None`: the header must be absent.
    #[serde(deserialize_with = "present")]
    pub(crate) last_event_id: Option<Option<String>>,
    pub(crate) headers: BTreeMap<String, String>,
    /// At the latest so long after the end of the response before.
    pub(crate) within_ms: Option<u64>,
    /// At the earliest so long after the end of the response before.
    pub(crate) not_before_ms: Option<u64>,
}

/// Tells `null` from a field that is missing.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The scenarios of connections.
pub(super) fn all() -> Vec<Scenario> {
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
