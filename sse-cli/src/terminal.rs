//! Where the output goes, and what that means for its looks.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// The styles of an output; all plain unless it is a terminal that takes colours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Styles {
    /// What the program says, as against the stream.
    pub(crate) status: Style,
    /// What went wrong, for the moment.
    pub(crate) trouble: Style,
    /// What is said about the stream.
    pub(crate) aside: Style,
}

impl Styles {
    /// Those of standard output. `NO_COLOR`, `CLICOLOR` and `TERM` are honoured.
    pub(crate) fn of_stdout() -> Self {
        Self::of(AutoStream::choice(&io::stdout()))
    }

    fn of(choice: ColorChoice) -> Self {
        if choice == ColorChoice::Never {
            return Self::default();
        }
        Self {
            status: AnsiColor::Green.on_default(),
            trouble: AnsiColor::Yellow.on_default(),
            aside: Style::new().dimmed(),
        }
    }
}
