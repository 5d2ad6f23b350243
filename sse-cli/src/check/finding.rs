//! Findings of a check: faults, advice, and rules that are met.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Breaks clients, or delays or loses events. Makes the exit code 1.
    Fault,
    /// Works, but could serve clients better.
    Advice,
    /// Checked without a fault.
    Pass,
}

/// One result of a check, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// The code of the finding, which is stable so that scripts can rely on it.
    pub(super) code: &'static str,
    /// The finding in one sentence.
    pub(super) message: String,
    /// Evidence: bytes from the wire. Printing escapes control characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidence: Vec<String>,
    /// The section of the specification that has the rule.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) reference: &'static str,
    /// How to fix the fault.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) fix: &'static str,
}

impl Finding {
    pub(super) fn fault(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Fault, code, message)
    }

    pub(super) fn advice(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Advice, code, message)
    }

    pub(super) fn pass(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Pass, code, message)
    }

    fn new(level: Level, code: &'static str, message: impl Into<String>) -> Self {
        Self { level, code, message: message.into(), evidence: Vec::new(), reference: "", fix: "" }
    }

    /// Adds a line of evidence.
    pub(super) fn seen(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Adds lines of evidence.
    pub(super) fn seen_all(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    /// Sets the section of the specification that has the rule.
    pub(super) fn by(mut self, reference: &'static str) -> Self {
        self.reference = reference;
        self
    }

    /// Sets the text that says how to fix the fault.
    pub(super) fn fix(mut self, fix: &'static str) -> Self {
        self.fix = fix;
        self
    }
}
