//! Options of `sse serve` from the environment and from a file, in clap's own terms.
//!
//! The command line wins over the environment, and the environment over the file. Every option has a variable (`--max-body`:
//! `SSE_MAX_BODY`) and a key in the file (`max-body`).

use std::any::TypeId;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

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

/// The command line with what the file of `--config` adds to it: the options that neither the command line nor the environment
/// sets. `None` without a file: what was parsed is all, and parsing it again would read standard input again (`-d -`).
///
/// # Errors
///
/// The file cannot be read, is not TOML, or has a key that is not an option, or a value that no option takes.
pub(crate) fn with_file(
    command: &Command,
    matches: &ArgMatches,
    line: Vec<OsString>,
) -> Result<Option<Vec<OsString>>, String> {
    let Some(("serve", serve)) = matches.subcommand() else { return Ok(None) };
    let Some(path) = serve.get_one::<std::path::PathBuf>("config") else { return Ok(None) };
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    let mut line = line;
    for (key, value) in read(path)? {
        let problem = |what: &str| format!("{}: `{key}`: {what}", path.display());
        let known = options.get_arguments().find(|arg| arg.get_long() == Some(&key) && key != "config");
        let Some(option) = known.filter(|_| key != "help") else {
            return Err(problem("there is no such option; sse serve --help lists them without their dashes"));
        };
        let source = serve.value_source(option.get_id().as_str());
        if matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        match (option.get_action(), value) {
            (ArgAction::SetTrue, Value::Boolean(true)) => line.push(format!("--{key}").into()),
            (ArgAction::SetTrue, Value::Boolean(false)) => {}
            (ArgAction::SetTrue, _) => return Err(problem("true or false is wanted")),
            (ArgAction::Append, Value::Array(values)) => {
                for value in values {
                    line.push(pair(&key, &value).ok_or_else(|| problem("a list of texts is wanted"))?);
                }
            }
            (_, value) => {
                line.push(pair(&key, &value).ok_or_else(|| problem("a text or a number is wanted"))?)
            }
        }
    }
    Ok(Some(line))
}

/// All settings without secrets, for the log.
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

fn pair(key: &str, value: &Value) -> Option<OsString> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => return None,
    };
    Some(format!("--{key}={text}").into())
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
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use crate::{Arguments, Command as Subcommand};

    /// The parsed settings; `Err` has the message.
    fn serve(file: &str, arguments: &[&str]) -> Result<crate::serve::Arguments, String> {
        let name = format!("sse-settings-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, file).unwrap();
        let start = ["sse", "serve", "--config", path.to_str().unwrap()];
        let line = start.iter().chain(arguments);
        let line: Vec<std::ffi::OsString> = line.map(Into::into).collect();
        let command = super::with_environment(Arguments::command());
        let matches = command.clone().try_get_matches_from(&line).map_err(|error| error.to_string())?;
        let line = super::with_file(&command, &matches, line);
        std::fs::remove_file(path).unwrap();
        let matches = command
            .try_get_matches_from(line?.expect("there is a file"))
            .map_err(|error| error.to_string())?;
        match Arguments::from_arg_matches(&matches).map_err(|error| error.to_string())?.command {
            Subcommand::Serve(arguments) => Ok(*arguments),
            _ => unreachable!("the line says serve"),
        }
    }

    #[test]
    fn a_file_sets_options_and_the_command_line_wins() {
        let file = "max-body = 5\nretry = 10\nhost = [\"a\", \"b\"]\nanyone-may-publish = true\n";
        let arguments = serve(file, &["--retry", "20"]).unwrap();
        assert_eq!((arguments.max_body, arguments.retry), (5, 20));
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_errors_that_name_the_key() {
        for (file, part) in [
            ("max-bodi = 5", "`max-bodi`: there is no such option"),
            ("config = \"x\"", "`config`: there is no such option"),
            ("max-body = \"many\"", "--max-body"),
            ("max-body = [5]", "`max-body`"),
            ("anyone-may-publish = 1", "true or false"),
            ("publish-token = \"secret\nretry = 1", "line"),
        ] {
            let error = serve(file, &[]).unwrap_err();
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
    }
}
