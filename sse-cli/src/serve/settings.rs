//! Options of `sse serve` from the environment and from a file, in clap's own terms.
//!
//! The command line takes precedence over the environment, and the environment over the file. Every
//! option has a variable (`--max-body`: `SSE_MAX_BODY`) and a key in the file (`max-body`).

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use super::secret::Secret;

/// Gives every option of the subcommand `serve` its environment variable.
pub(crate) fn with_environment(command: Command) -> Command {
    command.mut_subcommand("serve", |serve| {
        serve.mut_args(|arg| {
            let several = matches!(arg.get_action(), ArgAction::Append);
            // clap borrows names of variables for ever: some forty short ones, once.
            let name: &'static str = format!("SSE_{}", arg.get_id().as_str().to_uppercase()).leak();
            let arg = arg.env(name).hide_env_values(true);
            if several { arg.value_delimiter(',') } else { arg }
        })
    })
}

/// Parses the command line, after adding the options of `serve` that the environment and the file
/// of `--config` set.
///
/// # Errors
///
/// If clap refuses the arguments; if the file cannot be read or is not TOML; or if it has a key
/// that is not an option, or a value that its option does not accept.
pub(crate) fn parse(command: &Command, line: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let matches = alone(with_environment(command.clone())).try_get_matches_from(&line)?;
    // Parsing another subcommand again would read standard input again (`-d -`).
    let Some(("serve", serve)) = matches.subcommand() else { return Ok(matches) };
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    let refused = |text| command.clone().error(ErrorKind::InvalidValue, text);
    let mut whole = line;
    whole.extend(from_environment(options, serve));
    whole.extend(from_file(options, serve).map_err(refused)?);
    without_environment(with_environment(command.clone())).try_get_matches_from(whole)
}

/// The command, with options of `serve` that neither require nor exclude each other, because the
/// other option may be in the file.
fn alone(command: Command) -> Command {
    command.mut_subcommand("serve", |serve| {
        serve.mut_args(|arg| arg.requires(Resettable::Reset).conflicts_with(Resettable::Reset))
    })
}

/// The command without environment variables, for a line that already contains their options: a
/// variable with the value `false` then counts as not given.
fn without_environment(command: Command) -> Command {
    command.mut_subcommand("serve", |serve| serve.mut_args(|arg| arg.env(Resettable::Reset)))
}

/// The options that the environment sets, as arguments.
fn from_environment(options: &Command, serve: &ArgMatches) -> Vec<OsString> {
    let mut line = Vec::new();
    for option in options.get_arguments() {
        let id = option.get_id().as_str();
        let Some(name) = option.get_long() else { continue };
        if serve.try_contains_id(id).is_err() || serve.value_source(id) != Some(ValueSource::EnvVariable) {
            continue;
        }
        if matches!(option.get_action(), ArgAction::SetTrue) {
            line.extend(serve.get_flag(id).then(|| format!("--{name}").into()));
        } else {
            line.extend(serve.get_raw(id).into_iter().flatten().map(|value| pair(name, value)));
        }
    }
    line
}

/// The options that the file of `--config` sets and neither the command line nor the environment
/// sets, as arguments.
fn from_file(options: &Command, serve: &ArgMatches) -> Result<Vec<OsString>, String> {
    let Some(path) = serve.get_one::<PathBuf>("config") else { return Ok(Vec::new()) };
    let mut line = Vec::new();
    for (key, value) in read(path)? {
        let problem = |what: &str| format!("{}: `{key}`: {what}", path.display());
        let wanted = |what| move || problem(what);
        let known = options.get_arguments().find(|arg| arg.get_long() == Some(&key) && key != "config");
        let Some(option) = known.filter(|_| key != "help") else {
            return Err(problem("there is no such option; sse serve --help lists them without their dashes"));
        };
        let source = serve.value_source(option.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        let argument = |value: &Value| Some(pair(&key, text(value)?.as_ref()));
        match (option.get_action(), value) {
            (ArgAction::SetTrue, Value::Boolean(true)) => line.push(format!("--{key}").into()),
            (ArgAction::SetTrue, Value::Boolean(false)) => {}
            (ArgAction::SetTrue, _) => return Err(problem("true or false is wanted")),
            (ArgAction::Append, Value::Array(values)) => {
                for value in values {
                    line.push(argument(&value).ok_or_else(wanted("a list of texts is wanted"))?);
                }
            }
            (_, value) => line.push(argument(&value).ok_or_else(wanted("a text or a number is wanted"))?),
        }
    }
    Ok(line)
}

/// All settings as text without secrets, for the log.
pub(crate) fn shown(command: &Command, matches: &ArgMatches) -> String {
    let Some(("serve", serve)) = matches.subcommand() else { return String::new() };
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    let mut settings = Vec::new();
    for id in serve.ids().map(clap::Id::as_str) {
        // clap lists groups of options as well.
        let Some(option) = options.get_arguments().find(|option| option.get_id() == id) else { continue };
        let Some(values) = serve.get_raw(id) else { continue };
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let secret = option.get_value_parser().type_id() == TypeId::of::<Secret>();
        let value = if secret { "(set)".to_owned() } else { values.join(",") };
        settings.push(format!("{}={value}", id.replace('_', "-")));
    }
    settings.join(" ")
}

fn pair(name: &str, value: &OsStr) -> OsString {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value);
    argument
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn read(path: &Path) -> Result<Table, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    // The message of the parser quotes lines of the file, which has tokens.
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        format!("{}: line {line}: {}", path.display(), error.message())
    })
}

#[cfg(test)]
mod tests;
