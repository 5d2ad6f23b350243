//! What the command says about itself: completions for shells, and the manual page.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::{self, Failure};

/// The exit codes, as the help and the manual page show them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  it ended as it should: by Ctrl-C, --max-events, the server's word, or the end of what is not to be repeated
  1  it failed: no connection, a connection lost for good, a file that cannot be read or written
  2  the command line makes no sense
  3  the server answered, but not with an event stream";

/// Print a completion script: sse completions bash > /etc/bash_completion.d/sse
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell to complete for
    shell: Shell,
}

/// Print the manual page: sse man | man -l -
#[derive(Args)]
pub(crate) struct Man {
    /// The page of a subcommand, such as `tail`; of all together unless given
    subcommand: Option<String>,
}

pub(crate) fn completions(arguments: &Completions, command: &mut Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "sse", &mut script);
    print(&script)
}

pub(crate) fn man(arguments: &Man, mut command: Command) -> Result<ExitCode, Failure> {
    // Gives the subcommands their full names, `sse tail`.
    command.build();
    if let Some(name) = &arguments.subcommand {
        let Some(found) = command.find_subcommand(name) else {
            let message = format!("there is no subcommand `{name}`: see `sse help`");
            return Err(Failure::Other { message, code: failure::USAGE });
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    print(&page)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    io::stdout().write_all(text)?;
    Ok(ExitCode::SUCCESS)
}
