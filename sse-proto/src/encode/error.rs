//! Error of the encoder.

use core::fmt;

/// A value that would change its meaning on the wire.
///
/// A line break would end the field and begin another one that the value chooses; a NUL in an ID
/// makes clients ignore the field (WHATWG HTML 9.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    field: &'static str,
    character: char,
    offset: usize,
}

impl EncodeError {
    /// Returns an error if `value` contains one of the ASCII characters in `forbidden`.
    pub(crate) fn check(field: &'static str, value: &str, forbidden: &[char]) -> Result<(), Self> {
        match value.char_indices().find(|(_, character)| forbidden.contains(character)) {
            Some((offset, character)) => Err(Self { field, character, offset }),
            None => Ok(()),
        }
    }

    /// The field that was refused: `event` or `id`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The character that the field must not contain: CR, LF or, in an ID, NUL.
    pub fn character(&self) -> char {
        self.character
    }

    /// Position of that character's first occurrence, in bytes from the start of the value.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, character, offset } = self;
        write!(
            f,
            "{field} must not contain {character:?}, found at byte {offset}: remove it or send it as data"
        )
    }
}

impl core::error::Error for EncodeError {}
