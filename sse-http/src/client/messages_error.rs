//! Error of the messages of a source.

use std::error::Error as StdError;
use std::fmt;

#[cfg(feature = "serde")]
use proto::Message;

#[cfg(feature = "serde")]
use super::JsonError;
#[cfg(feature = "serde")]
use super::excerpt::Excerpt;

/// Why [`Messages`](super::Messages) failed, or why one message could not be parsed; `E` is the
/// error of the source.
///
/// ```no_run
/// # use sse_http::client::MessagesError;
/// # fn example(error: MessagesError<std::io::Error>) {
/// match error {
///     MessagesError::Source(error) => eprintln!("{error}"), // has `status()`, `text(limit)`, `json(limit)`
///     MessagesError::Incomplete => eprintln!("the answer was cut: request it again"),
///     other => eprintln!("{other}"),
/// }
/// # }
/// ```
#[non_exhaustive]
pub enum MessagesError<E> {
    /// The source failed. Nothing follows.
    Source(E),
    /// The source ended without the end marker: the server or a proxy cut the answer. Nothing
    /// follows.
    ///
    /// A source that the program closed itself, for example by a `Closer` after Ctrl-C, ends so
    /// too; its `close_reason()` is then [`CloseReason::Caller`](proto::CloseReason::Caller)
    /// ([`Messages::source`](super::Messages::source)).
    Incomplete,
    /// The data of a message is not the requested JSON. The next item is the next message.
    #[cfg(feature = "serde")]
    Json {
        /// The parse error.
        error: JsonError,
        /// The message whose data is not the requested JSON.
        message: Message,
    },
}

const INCOMPLETE: &str = "the stream ended without its end marker: the answer is incomplete";
#[cfg(feature = "serde")]
const UNEXPECTED_JSON: &str = "the data of a message is not the expected JSON";

/// With this conversion `?` works both where the source is built and where its messages are read.
impl<E> From<E> for MessagesError<E> {
    fn from(error: E) -> Self {
        Self::Source(error)
    }
}

impl<E: fmt::Display> fmt::Display for MessagesError<E> {
    /// Prints the source's error; or at most 300 characters of the parse error and of the data, on
    /// one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Incomplete => f.write_str(INCOMPLETE),
            #[cfg(feature = "serde")]
            Self::Json { error, message } => {
                write!(f, "{UNEXPECTED_JSON}: {error}: {}", Excerpt::new(message.data().as_bytes()))
            }
        }
    }
}

/// Prints the text of [`Display`](fmt::Display) without the data; `{:#?}` prints the structure.
impl<E: fmt::Debug> fmt::Debug for MessagesError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) if f.alternate() => f.debug_tuple("Source").field(error).finish(),
            Self::Source(error) => error.fmt(f),
            Self::Incomplete => f.write_str(if f.alternate() { "Incomplete" } else { INCOMPLETE }),
            #[cfg(feature = "serde")]
            Self::Json { error, message } if f.alternate() => {
                f.debug_struct("Json").field("error", error).field("message", message).finish()
            }
            #[cfg(feature = "serde")]
            Self::Json { error, .. } => write!(f, "{UNEXPECTED_JSON}: {error}"),
        }
    }
}

impl<E: StdError + 'static> StdError for MessagesError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Its text is the text of the source.
            Self::Source(error) => error.source(),
            Self::Incomplete => None,
            #[cfg(feature = "serde")]
            Self::Json { error, .. } => Some(error),
        }
    }
}
