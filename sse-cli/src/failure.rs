//! Failure of a command: one line on standard error, and an exit code.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use sse_tokio::{TransportError, reqwest};

use crate::text::Visible;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command's output could not be written.
    Output(io::Error),
    /// Any other failure: the complete message, and the exit code.
    Other { message: String, code: u8 },
}

/// Exit code: the command failed.
pub(crate) const FAILED: u8 = 1;
/// Exit code: invalid arguments. `clap` uses this code too.
pub(crate) const USAGE: u8 = 2;

/// Exit code: the server answered, but not with an event stream.
pub(crate) const REFUSED: u8 = 3;

impl Failure {
    /// Creates a failure from a message and the error that caused it.
    pub(crate) fn new(code: u8, message: impl fmt::Display, error: &(dyn Error + 'static)) -> Self {
        Self::Other { message: format!("{message}: {}", chain(error)), code }
    }

    /// Prints the failure to standard error. A closed output pipe (`sse tail .. | head`) is not a
    /// failure: nothing is printed, and the exit code is 0.
    pub(crate) fn report(self) -> ExitCode {
        let (message, code) = match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Output(error) => (format!("the output cannot be written: {error}"), FAILED),
            Self::Other { message, code } => (message, code),
        };
        // If standard error is closed, the exit code is the only report.
        let _ = writeln!(io::stderr(), "sse: {}", Visible(&message));
        code.into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Formats an error and its causes on one line, and replaces the names of library settings by those
/// of the command's options.
///
/// Leaves out a cause whose text is already on the line, and the wrappers of the HTTP client
/// (`reqwest::Error`, `TransportError::Http` and `TransportError::Connect`), which only repeat
/// their cause.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        let layer = error.is::<reqwest::Error>()
            || matches!(error.downcast_ref(), Some(TransportError::Http(_) | TransportError::Connect(_)));
        let text = match error.downcast_ref::<sse_tokio::Error>() {
            // Its text ends with the innermost cause, which follows in its place here.
            Some(error) if error.transport().is_some() => {
                error.reason().map_or_else(|| error.to_string(), |reason| reason.to_string())
            }
            _ => error.to_string(),
        };
        if (layer && next.is_some()) || line.contains(&text) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    in_options(&line)
}

/// Rewrites a message of the libraries with the command's options instead of the libraries'
/// settings.
pub(crate) fn in_options(message: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("raise `Limits::event` or set `Overflow::Skip`", "raise --limit-event"),
        ("raise `Limits::id` or set `Overflow::Skip`", "raise --limit-id"),
        ("(connect timeout)", "(--connect-timeout)"),
        ("(head timeout)", "(--head-timeout)"),
        ("the server fell silent", "the server fell silent (--timeout)"),
        ("no event came in time", "no event came in time (--event-timeout)"),
        ("and the policy is not to reconnect", "and --max-retries is 0"),
        ("and the request is not sent again", "and the request is not sent again (--repeat)"),
        ("it has no Content-Type", "it has no Content-Type; see --lenient"),
    ];
    WORDS.iter().fold(message.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Quoting(io::Error);

    impl fmt::Display for Quoting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "it failed ({})", self.0)
        }
    }

    impl Error for Quoting {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn messages_name_options_and_no_settings_of_the_libraries() {
        use proto::{Cause, CloseReason, Error};

        let limit = 16 << 20;
        for (reason, option) in [
            (CloseReason::Limit(Error::EventTooLong { limit }), "raise --limit-event"),
            (CloseReason::Limit(Error::IdTooLong { limit }), "raise --limit-id"),
            (CloseReason::NotRepeated(Cause::ConnectTimeout), "--connect-timeout"),
            (CloseReason::NotRepeated(Cause::HeadTimeout), "--head-timeout"),
            (
                CloseReason::GaveUp { cause: Cause::IdleTimeout, attempts: 0 },
                "(--timeout), and --max-retries",
            ),
            (CloseReason::GaveUp { cause: Cause::EventTimeout, attempts: 1 }, "--event-timeout"),
            (CloseReason::NotRepeated(Cause::EventCut), "(--repeat)"),
        ] {
            let message = chain(&reason);
            assert!(message.contains(option) && !message.contains("::"), "{message}");
        }
    }

    #[test]
    fn error_layers_without_new_information_are_left_out() {
        let malformed = reqwest::Client::new().get("no url").build().unwrap_err();
        assert_eq!(chain(&TransportError::Http(malformed.into())), "relative URL without a base");
        assert_eq!(chain(&Quoting(io::Error::other("disk full"))), "it failed (disk full)");
    }
}
