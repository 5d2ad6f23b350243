//! What the command says about itself: completions for shells, and the manual page.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::{self, Failure};

const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "it ended as it should: by Ctrl-C, --max-events, or the server"),
    ("1", "it failed: no connection, one lost for good, or no such file"),
    ("2", "the command line makes no sense"),
    ("3", "the server answered, but not with an event stream"),
];

/// The exit codes, for the help.
pub(crate) fn exit_codes() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("\n  {code}  {meaning}"));
    format!("Exit codes:{}", lines.concat())
}

/// The exit codes, as a section of a manual page.
fn exit_status() -> String {
    let entries =
        EXIT_CODES.map(|(code, meaning)| format!(".TP\n\\fB{code}\\fR\n{}\n", meaning.replace('-', "\\-")));
    format!(".SH \"EXIT STATUS\"\n{}", entries.concat())
}

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
    // The help has the exit codes as a text, which a manual page would fill into a paragraph.
    let has_exit_codes = command.get_after_help().is_some();
    let command = command.after_help(None::<&str>);
    let mut page = Vec::new();
    let source = concat!("sse ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).render(&mut page)?;
    if has_exit_codes {
        page.extend_from_slice(exit_status().as_bytes());
    }
    print(&page)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    io::stdout().write_all(text)?;
    Ok(ExitCode::SUCCESS)
}
