//! Results of the scenarios: a table, JSON, JUnit XML.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use serde::Serialize;

use super::scenario::{Scenario, Text};
use crate::check::junit::{self, Case};
use crate::terminal::Styles;
use crate::text::{Visible, visible_json};

/// How many bytes of the server's bodies are shown.
const SENT: usize = 240;

/// Result of one scenario.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) name: String,
    pub(super) section: String,
    pub(super) rule: String,
    pub(super) passed: bool,
    /// What the client did wrong; `None` if the scenario passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    /// If the scenario failed: the bodies that the server sent, one for each connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sent: Vec<String>,
    pub(super) milliseconds: u128,
}

impl Outcome {
    pub(super) fn new(scenario: &Scenario, failure: Option<String>, lasted: Duration) -> Self {
        let body = |reply: &super::scenario::Reply| {
            let bytes: Vec<u8> = reply.body.iter().flat_map(Text::bytes).take(SENT).collect();
            format!("{} {}", reply.status.unwrap_or(200), bytes.escape_ascii())
        };
        let sent = failure.iter().flat_map(|_| scenario.replies.iter().take(4).map(body)).collect();
        Self {
            name: scenario.name.clone(),
            section: scenario.section.clone(),
            rule: scenario.rule.clone(),
            passed: failure.is_none(),
            failure,
            sent,
            milliseconds: lasted.as_millis(),
        }
    }
}

/// Results of all scenarios of a client.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) client: String,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) scenarios: Vec<Outcome>,
}

impl Summary {
    pub(super) fn new(client: String, scenarios: Vec<Outcome>) -> Self {
        let passed = scenarios.iter().filter(|outcome| outcome.passed).count();
        Self { client, passed, failed: scenarios.len() - passed, scenarios }
    }

    /// Prints the results as one JSON object on one line.
    pub(super) fn print_json(&self) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", visible_json(&serde_json::to_string(self)?))
    }

    /// Prints a line for every scenario, and details for failed ones.
    pub(super) fn print_text(&self) -> io::Result<()> {
        let styles = Styles::of_stdout();
        let mut text = String::new();
        // Writing to a string cannot fail.
        for outcome in &self.scenarios {
            let (style, word) = if outcome.passed { (styles.status, "pass") } else { (styles.fault, "FAIL") };
            let _ = writeln!(text, "{style}{word}{style:#} {:9} {}", outcome.section, outcome.name);
            if let Some(failure) = &outcome.failure {
                let _ = writeln!(text, "       rule: {}", outcome.rule);
                let _ = writeln!(text, "       seen: {}", Visible(&failure.replace('\n', "\\n")));
                for sent in &outcome.sent {
                    let _ = writeln!(text, "       sent: {sent}");
                }
            }
        }
        let _ = writeln!(text, "{} passed, {} failed", self.passed, self.failed);
        io::stdout().lock().write_all(text.as_bytes())
    }

    /// The results as JUnit XML, with a test case for every scenario.
    pub(super) fn junit(&self) -> String {
        let cases = self.scenarios.iter().map(|outcome| Case {
            class: &outcome.section,
            name: &outcome.name,
            failure: outcome.failure.clone().map(|failure| (failure, outcome.sent.join("\n"))),
            output: "",
        });
        junit::suite(&self.client, cases)
    }
}
