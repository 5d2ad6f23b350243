//! Excerpt of a peer's text, as one harmless line of an error message.

use std::fmt::{self, Write as _};

/// How many characters of the text are shown.
const LENGTH: usize = 300;

/// The beginning of a text, on one line: at most 300 characters, every run of white space shown as
/// one blank, control characters and the marks that change the direction of writing escaped as in
/// Rust (`\u{1b}`). Bytes that are not UTF-8 become U+FFFD.
pub(super) struct Excerpt<'a>(pub(super) &'a [u8]);

impl Excerpt<'_> {
    /// Whether the text has nothing but white space.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(u8::is_ascii_whitespace)
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each character takes at most four bytes, and some white space; the rest of a long body
        // need not be looked at.
        let text = String::from_utf8_lossy(&self.0[..self.0.len().min(16 * LENGTH)]);
        let mut room = LENGTH;
        for (index, word) in text.split_whitespace().enumerate() {
            let blank = (index > 0).then_some(' ');
            for char in blank.into_iter().chain(word.chars()) {
                let escaped = char.is_control() || is_direction(char);
                let length = if escaped { char.escape_unicode().count() } else { 1 };
                // Room for the ellipsis is kept until the end is seen.
                if length >= room {
                    return f.write_char('…');
                }
                room -= length;
                if escaped { write!(f, "{}", char.escape_unicode())? } else { f.write_char(char)? }
            }
        }
        Ok(())
    }
}

/// Whether a character has the Unicode property Bidi_Control.
fn is_direction(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str) -> String {
        Excerpt(text.as_bytes()).to_string()
    }

    #[test]
    fn an_excerpt_is_one_line() {
        assert_eq!(excerpt(" {\n  \"error\":\t1\r\n}\n"), "{ \"error\": 1 }");
        assert_eq!(excerpt("é, 漢字 🙂"), "é, 漢字 🙂");
        assert!(Excerpt(b" \r\n").is_empty());
        assert_eq!(Excerpt(b"a\xff").to_string(), "a\u{fffd}");
    }

    #[test]
    fn an_excerpt_has_300_characters_at_most() {
        assert_eq!(excerpt(&"é".repeat(299)), "é".repeat(299));
        for text in ["é".repeat(300), "x".repeat(100_000), "a ".repeat(1000), "\x1b".repeat(100)] {
            let shown = excerpt(&text);
            assert!(shown.chars().count() <= 300 && shown.ends_with('…'), "{shown}");
        }
    }

    #[test]
    fn control_characters_and_marks_of_direction_are_escaped() {
        assert_eq!(excerpt("a\x1b[2Jb\u{9b}c\x7f"), "a\\u{1b}[2Jb\\u{9b}c\\u{7f}");
        assert_eq!(excerpt("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
    }
}
