//! Where the output goes, and what that means for its looks.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// The styles of an output; all plain unless it is a terminal that takes colours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Styles {
    /// The name of an event.
    pub(crate) event: Style,
    /// The ID of an event.
    pub(crate) id: Style,
    /// What is said about the stream, and what it says besides events.
    pub(crate) aside: Style,
    /// All is well.
    pub(crate) status: Style,
    /// Something went wrong, for the moment.
    pub(crate) trouble: Style,
    /// Something is wrong, and stays so.
    pub(crate) fault: Style,
}

impl Styles {
    /// Those of standard output. `NO_COLOR`, `CLICOLOR` and `TERM` are honoured.
    pub(crate) fn of_stdout() -> Self {
        Self::of(AutoStream::choice(&io::stdout()))
    }

    /// Those of standard error.
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
