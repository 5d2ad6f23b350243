//! Escaping of a peer's text for a terminal.

use std::fmt::{self, Write as _};

/// Formats a peer's text for a terminal: control characters, and marks that change the direction of
/// writing, are escaped as in Rust (`\u{1b}`). Line feeds and tabs are kept.
pub(crate) struct Visible<'a>(pub(crate) &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_unsafe) {
            let (safe, tail) = rest.split_at(at);
            f.write_str(safe)?;
            let mut chars = tail.chars();
            if let Some(char) = chars.next() {
                write!(f, "{}", char.escape_unicode())?;
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Whether a terminal would interpret a character instead of showing it.
pub(crate) fn is_unsafe(char: char) -> bool {
    // The property Bidi_Control.
    let direction = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (char.is_control() && char != '\n' && char != '\t') || direction
}

/// Escapes characters in JSON that serde_json leaves unescaped although terminals interpret them:
/// DEL, the controls of Latin-1, marks of direction. In JSON they occur only inside strings, where
/// `\u` may represent any character.
pub(crate) fn visible_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for char in json.chars() {
        if is_unsafe(char) {
            // Four digits will do: all of them are in the first plane.
            write!(text, "\\u{:04x}", u32::from(char)).expect("a string takes everything");
        } else {
            text.push(char);
        }
    }
    text
}

/// The beginning of a text on one line: at most `limit` characters, with every run of white space
/// shown as one blank.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Visible("a\x1b[2Jb\u{9b}c\r\x7f").to_string(), "a\\u{1b}[2Jb\\u{9b}c\\u{d}\\u{7f}");
        for mark in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
            let shown = Visible(&format!("{mark}gpj.exe")).to_string();
            assert_eq!(shown, format!("{}gpj.exe", mark.escape_unicode()));
        }
    }

    #[test]
    fn printable_text_is_kept() {
        assert_eq!(Visible("é, 漢字,\tand\n🙂").to_string(), "é, 漢字,\tand\n🙂");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let text = "\x1b \x7f \u{9b} \u{202e} é";
        let json = visible_json(&serde_json::to_string(text).unwrap());
        assert!(!json.contains(is_unsafe));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn an_excerpt_is_one_line_and_no_longer_than_it_may_be() {
        assert_eq!(excerpt(" {\n  \"error\":\t1\r\n}\n", 100), "{ \"error\": 1 }");
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("éé", 2), "éé");
    }
}
