//! Excerpt of a peer's text, as one harmless line of an error message.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// The beginning of a text, on one line: every run of white space is shown as one blank; control
/// characters, and characters that are invisible or change the direction of writing, are escaped as
/// in Rust (`\u{1b}`). Bytes that are not UTF-8 become U+FFFD.
pub(super) struct Excerpt<'a> {
    text: Cow<'a, str>,
    /// How many characters are shown.
    length: usize,
}

impl<'a> Excerpt<'a> {
    /// How many characters of a peer's text an error shows.
    pub(super) const LENGTH: usize = 300;

    /// The first [`LENGTH`](Self::LENGTH) characters of a text.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self::with_length(text, Self::LENGTH)
    }

    /// The first `length` characters of a text.
    pub(super) fn with_length(text: &'a [u8], length: usize) -> Self {
        // Each character takes at most four bytes, and some white space; the rest of a long body
        // need not be looked at.
        let text = String::from_utf8_lossy(&text[..text.len().min(16 * length)]);
        Self { text, length }
    }

    /// Whether the text has nothing but white space.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = self.length;
        for (index, word) in self.text.split_whitespace().enumerate() {
            let blank = (index > 0).then_some(' ');
            for char in blank.into_iter().chain(word.chars()) {
                let escaped = char.is_control() || is_invisible(char);
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

/// Whether a character is one of Unicode's format characters that hide text or change its
/// direction. The joiners U+200C and U+200D are not: scripts and emoji need them.
fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str) -> String {
        Excerpt::new(text.as_bytes()).to_string()
    }

    #[test]
    fn an_excerpt_is_one_line() {
        assert_eq!(excerpt(" {\n  \"error\":\t1\r\n}\n"), "{ \"error\": 1 }");
        assert_eq!(excerpt("é, 漢字 🙂"), "é, 漢字 🙂");
        assert_eq!(Excerpt::new(b"a\xff").to_string(), "a\u{fffd}");
        assert_eq!(excerpt("a\u{2028}b\u{2029}c\u{85}d"), "a b c d");
    }

    #[test]
    fn an_excerpt_of_white_space_is_empty() {
        for text in ["", " \r\n", "\u{2028}\u{a0}\u{3000}"] {
            assert!(Excerpt::new(text.as_bytes()).is_empty(), "{text:?}");
        }
        assert!(!Excerpt::new(b" a ").is_empty());
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
    fn control_characters_invisible_characters_and_marks_of_direction_are_escaped() {
        assert_eq!(excerpt("a\x1b[2Jb\u{9b}c\x7f"), "a\\u{1b}[2Jb\\u{9b}c\\u{7f}");
        assert_eq!(excerpt("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(excerpt("a\u{200b}\u{feff}\u{e0041}b"), "a\\u{200b}\\u{feff}\\u{e0041}b");
        assert_eq!(excerpt("👩\u{200d}🚀 می\u{200c}خواهم"), "👩\u{200d}🚀 می\u{200c}خواهم");
    }
}
