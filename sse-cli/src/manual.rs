//! Documentation of the command itself: completions for shells, and manual pages.

mod tail;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::{self, Failure};

const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "finished normally (Ctrl-C, --max-events or --until reached, or ended by the server)"),
    ("1", "failed: could not connect, connection lost permanently, ended before --until, or file not found"),
    ("2", "invalid command-line arguments"),
    ("3", "the server answered, but not with an event stream"),
];

/// The section on exit codes, for the help.
pub(crate) fn exit_codes() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("\n  {code}  {meaning}"));
    format!("Exit codes:{}", lines.concat())
}

/// The end of `sse tail --help`, after the options: examples, environment, exit codes.
pub(crate) fn tail_help() -> String {
    let examples: String =
        tail::EXAMPLES.iter().map(|(what, command)| format!("\n  {what}:\n    {command}\n")).collect();
    let environment: String =
        tail::ENVIRONMENT.iter().map(|(name, meaning)| format!("\n  {name}\n    {meaning}")).collect();
    format!("Examples:{examples}\nEnvironment:{environment}\n\n{}", exit_codes())
}

/// Examples and environment of `sse tail`, as sections of a manual page.
fn tail_sections() -> String {
    let examples: String = tail::EXAMPLES
        .iter()
        .map(|(what, command)| {
            format!(".PP\n{}:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", roff(what), roff(command))
        })
        .collect();
    let environment: String = tail::ENVIRONMENT
        .iter()
        .map(|(name, meaning)| format!(".TP\n\\fB{}\\fR\n{}\n", roff(name), roff(meaning)))
        .collect();
    format!(".SH EXAMPLES\n{examples}.SH ENVIRONMENT\n{environment}")
}

/// The exit codes, as a section of a manual page.
fn exit_status() -> String {
    let entries = EXIT_CODES.map(|(code, meaning)| format!(".TP\n\\fB{code}\\fR\n{}\n", roff(meaning)));
    format!(".SH \"EXIT STATUS\"\n{}", entries.concat())
}

/// Escapes text for a manual page, so that it has no roff command and its quotes can be copied to a
/// shell.
fn roff(text: &str) -> String {
    let mut page = String::new();
    for line in text.lines() {
        if !page.is_empty() {
            page.push('\n');
        }
        if line.starts_with(['.', '\'']) {
            page.push_str("\\&");
        }
        for char in line.chars() {
            match char {
                '\\' => page.push_str("\\e"),
                '-' => page.push_str("\\-"),
                '\'' => page.push_str("\\(aq"),
                '`' => page.push_str("\\(ga"),
                '^' => page.push_str("\\(ha"),
                '~' => page.push_str("\\(ti"),
                char => page.push(char),
            }
        }
    }
    page
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
    /// Subcommand to document, such as `tail`; without it, the whole command
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
    // The help has these sections as a text, which a manual page would fill into a paragraph.
    let has_exit_codes = command.get_after_help().is_some();
    let sections = if command.get_name() == "tail" { tail_sections() } else { String::new() };
    let command = command.after_help(None::<&str>).after_long_help(None::<&str>);
    let mut page = Vec::new();
    let source = concat!("sse ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command).source(source).render(&mut page)?;
    page.extend_from_slice(sections.as_bytes());
    if has_exit_codes {
        page.extend_from_slice(exit_status().as_bytes());
    }
    print(&page)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    io::stdout().write_all(text)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roff_shows_every_character_as_it_is() {
        assert_eq!(roff("'a' \\n -d"), "\\&\\(aqa\\(aq \\en \\-d");
        assert_eq!(roff("a\n.b"), "a\n\\&.b");
    }
}
