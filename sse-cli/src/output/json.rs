//! JSON output: one object per line.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

/// The deepest nesting of data that is printed as JSON, because readers of the output have limits
/// too.
const DEPTH: usize = 128;

/// One line of JSON. Fields that do not apply are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'a str>,
    /// The stream's URL, if there are several streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<&'a str>,
    /// The data as JSON, if it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<&'a RawValue>,
}

/// The JSON value that makes up all of `text`, unchanged: numbers keep all of their digits.
///
/// `None` if `text` is not JSON, or is nested deeper than 128 levels.
pub(crate) fn value(text: &str) -> Option<&RawValue> {
    (depth(text) <= DEPTH).then(|| serde_json::from_str(text).ok()).flatten()
}

/// The nesting depth of brackets in a JSON text.
fn depth(text: &str) -> usize {
    let (mut deepest, mut depth) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// `data` without line feeds: each becomes a space if the data is JSON, which does not change its
/// meaning, and otherwise `\n`.
pub(crate) fn one_line(data: &str) -> Cow<'_, str> {
    if !data.contains('\n') {
        return data.into();
    }
    // A line feed in JSON stands between tokens only: strings write it as an escape.
    data.replace('\n', if value(data).is_some() { " " } else { "\\n" }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_json_only_as_a_whole() {
        for text in ["1", " {\"a\": [1, 2]}", "\"x\"", "null", "1e400", "123456789012345678901234567890.10"] {
            assert_eq!(value(text).unwrap().get(), text.trim());
        }
        for text in ["", "[DONE]", "{\"a\":1} {\"b\":2}", "{", "word", "01"] {
            assert!(value(text).is_none(), "{text}");
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_not_passed_on() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(value(&nested(DEPTH)).is_some());
        assert!(value(&nested(DEPTH + 1)).is_none());
        assert!(
            value(&format!("\"{}\\\"[\"", "[".repeat(1000))).is_some(),
            "brackets in a string do not nest"
        );
    }

    #[test]
    fn line_feeds_become_spaces_in_json_and_escapes_elsewhere() {
        assert_eq!(one_line("{\n  \"a\": 1\n}"), "{   \"a\": 1 }");
        assert_eq!(one_line("one\ntwo\\n"), "one\\ntwo\\n");
        assert!(matches!(one_line("a\\b"), Cow::Borrowed("a\\b")));
    }
}
