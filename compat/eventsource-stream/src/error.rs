//! Error of an event stream.

use alloc::string::{FromUtf8Error, String};
use core::fmt;

use nom::error::{Error as NomError, ErrorKind};

/// Why an [`EventStream`](crate::EventStream) yielded an error.
///
/// Only [`Transport`](Self::Transport) occurs: no stream of bytes is malformed (9.2.6), and no
/// limits apply. The other variants are kept for code that matches them.
#[derive(Debug, PartialEq)]
pub enum EventStreamError<E> {
    /// The stream is not valid UTF-8. Does not occur: ill-formed bytes become U+FFFD.
    Utf8(FromUtf8Error),
    /// The stream is not an event stream. Does not occur.
    Parser(NomError<String>),
    /// The stream of chunks failed.
    Transport(E),
}

impl<E> From<NomError<&str>> for EventStreamError<E> {
    fn from(error: NomError<&str>) -> Self {
        Self::Parser(NomError { input: error.input.into(), code: error.code })
    }
}

impl<E> EventStreamError<E> {
    /// Maps an exceeded limit; it never occurs, because there are no limits.
    pub(crate) fn limit(_: proto::Error) -> Self {
        Self::Parser(NomError { input: String::new(), code: ErrorKind::TooLarge })
    }
}

impl<E: fmt::Display> fmt::Display for EventStreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(error) => write!(f, "UTF8 error: {error}"),
            Self::Parser(error) => write!(f, "Parse error: {error}"),
            Self::Transport(error) => write!(f, "Transport error: {error}"),
        }
    }
}

impl<E: fmt::Display + fmt::Debug + Send + Sync> core::error::Error for EventStreamError<E> {}
