//! Text of the peer, on its way to a terminal.

use std::fmt;

/// Shows text that others wrote without letting it speak to the terminal: control characters, and the marks that change
/// the direction of writing, are escaped as Rust does (`\u{1b}`). Line feeds and tabs are kept.
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

/// Whether a terminal would do something else with it than show it.
pub(crate) fn is_unsafe(char: char) -> bool {
    let direction =
        matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (char.is_control() && char != '\n' && char != '\t') || direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(Visible("a\x1b[2Jb\u{9b}c\r\x7f").to_string(), "a\\u{1b}[2Jb\\u{9b}c\\u{d}\\u{7f}");
        assert_eq!(Visible("\u{202e}gpj.exe").to_string(), "\\u{202e}gpj.exe");
    }

    #[test]
    fn what_it_shows_is_kept() {
        assert_eq!(Visible("é, 漢字,\tand\n🙂").to_string(), "é, 漢字,\tand\n🙂");
    }
}
