//! Errors of an [`EventSource`](crate::EventSource).

use std::fmt;
use std::string::FromUtf8Error;

use eventsource_stream::EventStreamError;
use nom::error::Error as NomError;
use reqwest::header::HeaderValue;
use reqwest::{Response, StatusCode};

/// The request cannot be cloned, so it could not be sent again: its body is a stream, or it is not
/// valid.
#[derive(Clone, Copy, Debug)]
pub struct CannotCloneRequestError;

impl fmt::Display for CannotCloneRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a cloneable request")
    }
}

impl std::error::Error for CannotCloneRequestError {}

/// Why a connection could not be made, or why it ended.
///
/// After [`InvalidContentType`](Self::InvalidContentType) and
/// [`InvalidStatusCode`](Self::InvalidStatusCode) the source is closed; after
/// [`Transport`](Self::Transport) and [`StreamEnded`](Self::StreamEnded) the source's
/// [`RetryPolicy`](crate::retry::RetryPolicy) decides. The other variants do not occur and are kept
/// for code that matches them.
#[derive(Debug)]
pub enum Error {
    /// The stream is not valid UTF-8. Does not occur: ill-formed bytes become U+FFFD (9.2.6).
    Utf8(FromUtf8Error),
    /// The stream is not an event stream. Does not occur.
    Parser(NomError<String>),
    /// The request could not be sent, or its response broke off.
    Transport(reqwest::Error),
    /// The response is not an event stream. Fields: its content type, empty if missing, and the
    /// unread response.
    InvalidContentType(HeaderValue, Response),
    /// The status is not 200. Fields: the status, and the unread response.
    InvalidStatusCode(StatusCode, Response),
    /// The last event ID cannot be sent as a header. Does not occur: such an ID is kept and not
    /// sent.
    InvalidLastEventId(String),
    /// The response ended.
    StreamEnded,
}

impl From<EventStreamError<reqwest::Error>> for Error {
    fn from(error: EventStreamError<reqwest::Error>) -> Self {
        match error {
            EventStreamError::Utf8(error) => Self::Utf8(error),
            EventStreamError::Parser(error) => Self::Parser(error),
            EventStreamError::Transport(error) => Self::Transport(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(error) => error.fmt(f),
            Self::Parser(error) => error.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::InvalidContentType(value, _) => write!(f, "Invalid header value: {value:?}"),
            Self::InvalidStatusCode(status, _) => write!(f, "Invalid status code: {status}"),
            Self::InvalidLastEventId(id) => write!(f, "Invalid `Last-Event-ID`: {id}"),
            Self::StreamEnded => f.write_str("Stream ended"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Transparent, as before: the source of the inner error.
        match self {
            Self::Utf8(error) => error.source(),
            Self::Parser(error) => error.source(),
            Self::Transport(error) => error.source(),
            _ => None,
        }
    }
}
