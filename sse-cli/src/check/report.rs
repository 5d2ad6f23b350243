//! Report of a check: for people, as JSON, and as JUnit XML.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anstyle::Style;
use serde::Serialize;

use super::finding::{Finding, Level};
use super::junit::{self, Case};
use crate::terminal::Styles;
use crate::text::{Visible, visible_json};

/// Everything that a check found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The URL without credentials, query and fragment.
    pub(super) url: String,
    /// Whether the check found no fault.
    pub(super) ok: bool,
    pub(super) faults: usize,
    pub(super) advice: usize,
    /// The findings, faults first.
    pub(super) findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(url: String, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.level);
        let count = |level| findings.iter().filter(|finding| finding.level == level).count();
        let (faults, advice) = (count(Level::Fault), count(Level::Advice));
        Self { url, ok: faults == 0, faults, advice, findings }
    }

    /// Prints the report as one JSON object on one line.
    pub(super) fn print_json(&self) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{}", visible_json(&serde_json::to_string(self)?))
    }

    /// Prints the report for people, faults first.
    pub(super) fn print_text(&self) -> io::Result<()> {
        let styles = Styles::of_stdout();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", self.url);
        for (level, title, style) in [
            (Level::Fault, "Faults", styles.fault),
            (Level::Advice, "Advice", styles.trouble),
            (Level::Pass, "Right", styles.status),
        ] {
            let of_level = || self.findings.iter().filter(|finding| finding.level == level);
            if of_level().next().is_some() {
                let _ = writeln!(text, "\n{style}{title}{style:#}");
            }
            for finding in of_level() {
                finding_text(&mut text, finding, style, styles.aside);
            }
        }
        let _ = match self.faults {
            0 => writeln!(text, "\nno faults, advice: {}", self.advice),
            faults => writeln!(text, "\nfaults: {faults}, advice: {}", self.advice),
        };
        io::stdout().lock().write_all(text.as_bytes())
    }

    /// The report as JUnit XML, with a test case for every finding, which fails if it is a fault.
    pub(super) fn junit(&self) -> String {
        let cases = self.findings.iter().map(|finding| Case {
            class: "sse.check",
            name: finding.code,
            failure: (finding.level == Level::Fault)
                .then(|| (finding.message.clone(), finding.evidence.join("\n"))),
            output: &finding.message,
        });
        junit::suite(&format!("sse check {}", self.url), cases)
    }
}

fn finding_text(text: &mut String, finding: &Finding, style: Style, aside: Style) {
    let _ = writeln!(text, "  {style}{}{style:#}: {}", finding.code, Visible(&one_line(&finding.message)));
    for evidence in &finding.evidence {
        let _ = writeln!(text, "      {}", Visible(&one_line(evidence)));
    }
    if finding.level != Level::Pass && !finding.fix.is_empty() {
        let _ = writeln!(text, "      {aside}→ {}{aside:#}", finding.fix);
    }
    if finding.level != Level::Pass && !finding.reference.is_empty() {
        let _ = writeln!(text, "      {aside}({}){aside:#}", finding.reference);
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_first_and_decide() {
        let findings = vec![
            Finding::pass("a", "fine"),
            Finding::fault("b", "<broken> \u{1b}").seen("x & y"),
            Finding::advice("c", "better"),
        ];
        let report = Report::new("http://localhost/".to_owned(), findings);
        assert_eq!((report.ok, report.faults, report.advice), (false, 1, 1));
        assert_eq!(report.findings[0].code, "b");
        let xml = report.junit();
        assert!(
            xml.contains("failures=\"1\"")
                && xml.contains("&lt;broken&gt; \\u{1b}")
                && xml.contains("x &amp; y")
        );
    }
}
