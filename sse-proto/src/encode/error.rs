//! Errors of the encoder.

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

/// Why an event type cannot be the type of a heartbeat: see
/// [`EventBuilder::heartbeat`](crate::EventBuilder::heartbeat).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// A client already has handlers for events of this type, which would get the heartbeat.
    Reserved,
    /// The type cannot be encoded.
    Encode(EncodeError),
}

impl HeartbeatError {
    /// Returns an error for a type whose events reach a handler of every `EventSource`: an event
    /// without a type is a `message` (WHATWG HTML 9.2.6), and the client itself fires `open` and
    /// `error` (9.2.3).
    pub(crate) fn check(event_type: &str) -> Result<(), Self> {
        match event_type {
            "" | "message" | "open" | "error" => Err(Self::Reserved),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for HeartbeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved => f.write_str(
                "this event type, or an empty one, means something else to clients: name another one, such as heartbeat",
            ),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for HeartbeatError {}

impl From<EncodeError> for HeartbeatError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
