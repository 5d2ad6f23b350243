//! Error for text of a server that is not the requested JSON.

use std::error::Error as StdError;
use std::fmt;

use super::excerpt::Excerpt;

/// Why text of a server is not the requested JSON.
///
/// The message of `serde_json` may quote the server's text. It is printed on one line, with at most
/// 300 characters and with control characters escaped, so that it cannot control a terminal.
pub struct JsonError(serde_json::Error);

impl JsonError {
    /// The error of `serde_json`, whose message is neither escaped nor bounded.
    pub fn get_ref(&self) -> &serde_json::Error {
        &self.0
    }

    /// Unwraps the error of `serde_json`, whose message is neither escaped nor bounded.
    pub fn into_inner(self) -> serde_json::Error {
        self.0
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Excerpt::new(self.0.to_string().as_bytes()).fmt(f)
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonError({self})")
    }
}

// The error of `serde_json` is not the source: a printed chain would have its message unescaped.
impl StdError for JsonError {}
