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
use clap::{Arg, ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use super::secret::Secret;

/// How the variables of options begin.
const PREFIX: &str = "SSE_";

/// Shows the environment variable of every option of the subcommand `serve` in its help.
pub(crate) fn with_environment(command: Command) -> Command {
    command.mut_subcommand("serve", |serve| {
        // clap borrows names of variables for ever: some forty short ones, once.
        serve.mut_args(|arg| {
            let name: &'static str = variable(&arg).leak();
            arg.env(name).hide_env_values(true)
        })
    })
}

/// Parses the command line, after adding the options of `serve` that the environment and the file
/// of `--config` set.
///
/// # Errors
///
/// If clap refuses the arguments: the message names the variable or the file that sets the option.
/// If the file cannot be read or is not TOML; or if it has a key that is not an option, or a value
/// that its option does not accept.
pub(crate) fn parse(command: &Command, line: Vec<OsString>) -> Result<Parsed, clap::Error> {
    let matches = match alone(command.clone()).try_get_matches_from(&line) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return with_environment(command.clone()).try_get_matches_from(&line).map(Parsed::from);
        }
        matches => matches?,
    };
    // Parsing another subcommand again would read standard input again (`-d -`).
    let Some(("serve", serve)) = matches.subcommand() else { return Ok(matches.into()) };
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    let refused = |text| error(command, ErrorKind::InvalidValue, text);
    let mut settings = Settings { line, origins: Origins::default() };
    let is_set = |option: &Arg| {
        serve.try_contains_id(option.get_id().as_str()).is_ok()
            && serve.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    let open: Vec<&Arg> = options.get_arguments().filter(|option| !is_set(option)).collect();
    let mut config = serve.get_one::<PathBuf>("config").cloned();
    for option in &open {
        let Some(value) = std::env::var_os(variable(option)).filter(|_| option.get_long().is_some()) else {
            continue;
        };
        if option.get_id() == "config" {
            config = Some(value.clone().into());
        }
        settings.add_variable(option, &value).map_err(refused)?;
    }
    if let Some(path) = config {
        settings.add_file(&path, options, &open).map_err(refused)?;
    }
    match command.clone().try_get_matches_from(&settings.line) {
        Ok(matches) => Ok(Parsed { matches, origins: settings.origins }),
        Err(error) => Err(settings.origins.explain(command, error)),
    }
}

/// An error about the settings of `serve`, with the usage of `serve`.
fn error(command: &Command, kind: ErrorKind, text: String) -> clap::Error {
    let mut command = command.clone();
    command.build();
    command.find_subcommand_mut("serve").expect("there is a subcommand of this name").error(kind, text)
}

/// The command, with options of `serve` that neither require nor exclude each other, because the
/// other option may be in the file.
fn alone(command: Command) -> Command {
    command.mut_subcommand("serve", |serve| {
        serve.mut_args(|arg| arg.requires(Resettable::Reset).conflicts_with(Resettable::Reset))
    })
}

/// Name of an option's environment variable.
fn variable(option: &Arg) -> String {
    format!("{PREFIX}{}", option.get_id().as_str().to_uppercase())
}

/// A command line that was parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) matches: ArgMatches,
    pub(crate) origins: Origins,
}

impl From<ArgMatches> for Parsed {
    fn from(matches: ArgMatches) -> Self {
        Self { matches, origins: Origins::default() }
    }
}

/// The options that the environment or the file sets: their names, and the variable or the file.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<(String, String)>);

/// The command line, to which options of other sources are appended.
struct Settings {
    line: Vec<OsString>,
    origins: Origins,
}

impl Settings {
    /// Adds an option that a variable sets. A variable separates the values of a list by commas.
    fn add_variable(&mut self, option: &Arg, value: &OsStr) -> Result<(), String> {
        let (name, variable) = (option.get_long().unwrap_or_default(), variable(option));
        let text = || value.to_str().ok_or_else(|| format!("{variable}: this is not UTF-8"));
        match option.get_action() {
            ArgAction::SetTrue => match text()?.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => self.line.push(format!("--{name}").into()),
                // As if the option were not given, for those that exclude it.
                "false" | "0" | "no" | "off" => {}
                _ => return Err(format!("{variable}: true or false is wanted")),
            },
            ArgAction::Append => {
                let values = text()?.split(',').map(|value| pair(name, value.trim().as_ref()));
                self.line.extend(values);
            }
            _ if option.get_value_parser().type_id() == TypeId::of::<PathBuf>() => {
                self.line.push(pair(name, value));
            }
            _ => self.line.push(pair(name, text()?.as_ref())),
        }
        self.origins.0.push((name.to_owned(), format!("the variable {variable}")));
        Ok(())
    }

    /// Adds the options that the file sets and neither the command line nor a variable does.
    fn add_file(&mut self, path: &Path, options: &Command, open: &[&Arg]) -> Result<(), String> {
        for (key, value) in read(path)? {
            let problem = |what: &str| format!("{}: `{key}`: {what}", path.display());
            let wanted = |what| move || problem(what);
            let known = options.get_arguments().find(|arg| arg.get_long() == Some(&key) && key != "config");
            let Some(option) = known.filter(|_| key != "help") else {
                return Err(problem(
                    "there is no such option; sse serve --help lists them without their dashes",
                ));
            };
            let argument = |value: &Value| Some(pair(&key, text(value)?.as_ref()));
            let mut arguments = Vec::new();
            match (option.get_action(), &value) {
                (ArgAction::SetTrue, Value::Boolean(true)) => arguments.push(format!("--{key}").into()),
                (ArgAction::SetTrue, Value::Boolean(false)) => {}
                (ArgAction::SetTrue, _) => return Err(problem("true or false is wanted")),
                (ArgAction::Append, Value::Array(values)) => {
                    for value in values {
                        arguments.push(argument(value).ok_or_else(wanted("a list of texts is wanted"))?);
                    }
                }
                (_, value) => {
                    arguments.push(argument(value).ok_or_else(wanted("a text or a number is wanted"))?);
                }
            }
            let is_open = open.iter().any(|open| open.get_id() == option.get_id());
            if is_open && !self.origins.has(&key) {
                self.line.append(&mut arguments);
                self.origins.0.push((key, path.display().to_string()));
            }
        }
        Ok(())
    }
}

impl Origins {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// A line for each option that the text names and that another source than the command line
    /// sets.
    pub(crate) fn of(&self, text: &str) -> String {
        let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-');
        let names = |name: &str| text.split(&format!("--{name}")).skip(1).any(ends);
        let named = self.0.iter().filter(|(name, _)| names(name));
        named.map(|(name, origin)| format!("\n  --{name} is set by {origin}")).collect()
    }

    /// The error, with the sources of the options that it names.
    fn explain(&self, command: &Command, refused: clap::Error) -> clap::Error {
        let rendered = refused.render().to_string();
        let origins = self.of(&rendered);
        if origins.is_empty() {
            return refused;
        }
        let mut text = rendered.strip_prefix("error: ").unwrap_or(&rendered);
        for tail in ["\n\nUsage:", "\n\nFor more"] {
            text = text.split(tail).next().unwrap_or(text);
        }
        error(command, refused.kind(), text.trim_end().to_owned() + &origins)
    }
}

/// Options that have no effect without one of others.
const BOUND: [(&str, &[&str]); 3] = [
    ("data_bytes", &["data"]),
    ("redis_prefix", &["redis", "redis_file"]),
    ("jwt_leeway", &["jwt_key", "jwt_key_file", "jwks"]),
];

/// What the log says about the settings at the start, and errors about where they come from.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The settings that have an effect, without secrets.
    pub(super) text: String,
    /// Warnings of variables that are named as those of options are, and set none.
    pub(super) unknown: Vec<String>,
    pub(super) origins: Origins,
}

/// Lists the settings of `serve` for the log; empty for another subcommand.
pub(crate) fn shown(command: &Command, Parsed { matches, origins }: Parsed) -> Shown {
    let Some(("serve", serve)) = matches.subcommand() else { return Shown::default() };
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    let mut settings = Vec::new();
    for id in serve.ids().map(clap::Id::as_str) {
        // clap lists groups of options as well.
        let Some(option) = options.get_arguments().find(|option| option.get_id() == id) else { continue };
        let Some(values) = serve.get_raw(id) else { continue };
        let given = |id: &str| serve.try_contains_id(id).is_ok_and(|given| given);
        let bound = BOUND.iter().find(|(option, _)| *option == id);
        // A flag that is not given is left out: `anyone-may-publish=false` would look like a
        // promise.
        let off = matches!(option.get_action(), ArgAction::SetTrue) && !serve.get_flag(id);
        if off || bound.is_some_and(|(_, others)| !others.iter().any(|other| given(other))) {
            continue;
        }
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        let secret = option.get_value_parser().type_id() == TypeId::of::<Secret>();
        let value = if secret { "(set)".to_owned() } else { values.join(",") };
        settings.push(format!("{}={value}", id.replace('_', "-")));
    }
    let known: Vec<_> = options.get_arguments().map(variable).collect();
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.filter_map(|name| ignored(&name, &known)).collect();
    Shown { text: settings.join(" "), unknown, origins }
}

/// The warning for a variable that sets no option although its name begins as theirs do. It may
/// belong to another program, so it is not an error. Its value, perhaps a secret, is not shown.
fn ignored(name: &str, known: &[String]) -> Option<String> {
    name.strip_prefix(PREFIX)?;
    if known.iter().any(|known| known == name) {
        return None;
    }
    let likeness = |known: &&String| (strsim::normalized_damerau_levenshtein(known, name) * 1000.0) as u32;
    let nearest = known.iter().max_by_key(likeness).filter(|known| likeness(known) >= 700);
    let advice = nearest.map(|known| format!("; did you mean {known}?")).unwrap_or_default();
    Some(format!("the variable {name} is ignored: there is no such option{advice}"))
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
    let text = fs::read_to_string(path).map_err(|error| format!("--config {}: {error}", path.display()))?;
    // The message of the parser quotes lines of the file, which has tokens.
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        format!("--config {}: line {line}: {}", path.display(), error.message())
    })
}

#[cfg(test)]
mod tests;
