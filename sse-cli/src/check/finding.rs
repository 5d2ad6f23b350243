//! What a check found: faults, advice, and the rules that hold.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Breaks clients, or delays or loses events. The exit code is 1.
    Fault,
    /// Works, but could serve clients better.
    Advice,
    /// Checked, and as it should be.
    Pass,
}

/// One result of a check, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// A stable name for scripts.
    pub(super) code: &'static str,
    /// What is the case, in one sentence.
    pub(super) message: String,
    /// Bytes from the wire. Printing escapes control characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) evidence: Vec<String>,
    /// The section that has the rule.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) reference: &'static str,
    /// What to do about it.
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

    /// Names the section that has the rule.
    pub(super) fn by(mut self, reference: &'static str) -> Self {
        self.reference = reference;
        self
    }

    /// Says what to do.
    pub(super) fn fix(mut self, fix: &'static str) -> Self {
        self.fix = fix;
        self
    }
}
