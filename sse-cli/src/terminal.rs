//! Styles of the output, which depend on where it goes.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// The styles of an output; all plain unless it is a terminal with colours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Styles {
    /// Style of an event's type.
    pub(crate) event: Style,
    /// Style of an event's ID.
    pub(crate) id: Style,
    /// Style of comments and of notes about the stream.
    pub(crate) aside: Style,
    /// Style of a status message without a problem.
    pub(crate) status: Style,
    /// Style of a temporary problem.
    pub(crate) trouble: Style,
    /// Style of a permanent problem.
    pub(crate) fault: Style,
}

impl Styles {
    /// The styles of standard output. `NO_COLOR`, `CLICOLOR` and `TERM` are honoured.
    pub(crate) fn of_stdout() -> Self {
        Self::of(AutoStream::choice(&io::stdout()))
    }

    /// The styles of standard error.
    pub(crate) fn of_stderr() -> Self {
        Self::of(AutoStream::choice(&io::stderr()))
    }

    fn of(choice: ColorChoice) -> Self {
        if choice == ColorChoice::Never {
            return Self::default();
        }
        Self {
            event: AnsiColor::Cyan.on_default().bold(),
            id: AnsiColor::Magenta.on_default(),
            aside: Style::new().dimmed(),
            status: AnsiColor::Green.on_default(),
            trouble: AnsiColor::Yellow.on_default(),
            fault: AnsiColor::Red.on_default().bold(),
        }
    }
}
