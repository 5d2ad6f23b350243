//! JUnit XML output, for CI servers.

use std::fmt::Write as _;

/// One test case.
pub(super) struct Case<'a> {
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    /// Message and details of the failure, if the case failed.
    pub(super) failure: Option<(String, String)>,
    /// Output of a passed case; may be empty.
    pub(super) output: &'a str,
}

/// Formats a test suite with these cases.
pub(super) fn suite<'a>(name: &str, cases: impl Iterator<Item = Case<'a>>) -> String {
    let (mut tests, mut failures, mut body) = (0, 0, String::new());
    for case in cases {
        tests += 1;
        let (class, name) = (escape(case.class), escape(case.name));
        // Writing to a string cannot fail.
        let _ = write!(body, "  <testcase classname=\"{class}\" name=\"{name}\">");
        if let Some((message, details)) = case.failure {
            failures += 1;
            let _ = write!(body, "<failure message=\"{}\">{}</failure>", escape(&message), escape(&details));
        } else if !case.output.is_empty() {
            let _ = write!(body, "<system-out>{}</system-out>", escape(case.output));
        }
        body.push_str("</testcase>\n");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\">\n{body}</testsuite>\n",
        escape(name)
    )
}

/// Escapes text for XML 1.0: markup is escaped, and characters that XML cannot represent become
/// Rust escapes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(char),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(char.escape_unicode());
            }
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_are_escaped_and_failures_counted() {
        let case = |failure, output| Case { class: "a", name: "<b>", failure, output };
        let failure = Some(("x & \u{1b}".to_owned(), "\"y\"".to_owned()));
        let xml = suite("all", [case(failure, ""), case(None, "fine"), case(None, "")].into_iter());
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"all\" tests=\"3\" failures=\"1\">\n  \
             <testcase classname=\"a\" name=\"&lt;b&gt;\"><failure message=\"x &amp; \\u{1b}\">&quot;y&quot;</failure></testcase>\n  \
             <testcase classname=\"a\" name=\"&lt;b&gt;\"><system-out>fine</system-out></testcase>\n  \
             <testcase classname=\"a\" name=\"&lt;b&gt;\"></testcase>\n</testsuite>\n"
        );
    }
}
