use std::path::Path;
use std::process::Command as Process;

use clap::{Arg, CommandFactory, FromArgMatches};
use tempfile::TempDir;

use super::*;
use crate::{Arguments, Command as Subcommand};

/// The parsed settings other than `--config`, as text; an error has the message.
fn parsed(arguments: &[String]) -> Result<String, String> {
    let command = Arguments::command();
    let line = ["sse", "serve"].into_iter().chain(arguments.iter().map(String::as_str));
    let parsed = parse(&command, line.map(Into::into).collect()).map_err(|error| error.to_string())?;
    let matches = parsed.matches;
    let (_, serve) = matches.subcommand().expect("the line says serve");
    let options = command.find_subcommand("serve").expect("there is a subcommand of this name");
    // `{:?}` of a secret does not show it, the raw value does.
    let options = options.get_arguments().map(|option| option.get_id().as_str()).filter(|id| *id != "config");
    let raw: Vec<_> = options.map(|id| serve.get_raw(id).map(Iterator::collect::<Vec<_>>)).collect();
    match Arguments::from_arg_matches(&matches).map_err(|error| error.to_string())?.command {
        Subcommand::Serve(mut arguments) => {
            arguments.config = None;
            Ok(format!("{arguments:?} {raw:?}"))
        }
        _ => unreachable!("the line says serve"),
    }
}

fn from(file: &str, arguments: &[&str]) -> Result<String, String> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, file).unwrap();
    let config = format!("--config={}", path.display());
    parsed(&[vec![config], arguments.iter().map(ToString::to_string).collect()].concat())
}

/// The variable with the command lines that a second process of this test parses: a process cannot
/// change its own environment while its other threads read it.
const LINES: &str = "SETTINGS_TEST_LINES";
const MARK: &str = "parsed: ";

/// Parses each command line in a process with these variables.
fn parsed_with(variables: &[(&str, &str)], lines: &[Vec<String>]) -> Vec<String> {
    let mut process = Process::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SSE_")) {
        process.env_remove(name);
    }
    process.args([
        "--exact",
        "serve::settings::tests::every_option_is_set_in_each_of_three_ways",
        "--nocapture",
    ]);
    process.env(LINES, serde_json::to_string(lines).unwrap()).envs(variables.iter().copied());
    let output = String::from_utf8(process.output().unwrap().stdout).unwrap();
    let parsed: Vec<_> =
        output.lines().filter_map(|line| Some(line.strip_prefix(MARK)?.to_owned())).collect();
    assert_eq!(parsed.len(), lines.len(), "{output}");
    parsed
}

/// Main function of the second process.
fn parse_lines_of_parent() -> bool {
    let Ok(lines) = std::env::var(LINES) else { return false };
    for line in serde_json::from_str::<Vec<Vec<String>>>(&lines).unwrap() {
        // The test harness begins a line of its own.
        println!("\n{MARK}{:?}", parsed(&line));
    }
    true
}

/// Values of an option: one for the file, one for the environment, and one for the command line.
fn samples(option: &Arg) -> Vec<[String; 3]> {
    let possible = option.get_possible_values();
    let three = |values: [&str; 3]| values.map(str::to_owned);
    match option.get_id().as_str() {
        _ if matches!(option.get_action(), ArgAction::SetTrue) => {
            vec![three(["true", "false", "true"]), three(["false", "true", "true"])]
        }
        _ if !possible.is_empty() => {
            let [first, second] = [possible[0].get_name(), possible[1].get_name()];
            vec![three([first, second, first]), three([second, first, second])]
        }
        "listen" => vec![three(["127.0.0.1:1", ":2", "localhost:3"])],
        "cors_origin" => vec![three(["https://a.example", "https://b.example", "null"])],
        "data_bytes" => vec![three(["2147483641", "2147483642", "2147483643"])],
        _ => vec![three(["21", "22", "23"])],
    }
}

/// Another line of the file, which the option needs.
fn companion(id: &str) -> &'static str {
    match id {
        "cert" => "key = \"k\"\n",
        "key" => "cert = \"c\"\n",
        "data_bytes" => "data = \"d\"\n",
        "jwt_audience" | "jwt_issuer" | "jwt_leeway" => "jwt-key-file = \"f\"\n",
        "cors_credentials" => "cors-origin = [\"https://a.example\"]\n",
        _ => "",
    }
}

fn check_option(option: &Arg, [in_file, in_variable, in_line]: &[String; 3], directory: &Path) {
    let key = option.get_long().expect("an option has a name");
    let is_flag = matches!(option.get_action(), ArgAction::SetTrue);
    let write = |name: &str, setting: &str| {
        let path = directory.join(name);
        std::fs::write(&path, format!("{}{setting}", companion(option.get_id().as_str()))).unwrap();
        format!("--config={}", path.display())
    };
    let value = match option.get_action() {
        ArgAction::Append => format!("[{in_file:?}]"),
        _ if is_flag || in_file.parse::<u64>().is_ok() => in_file.clone(),
        _ => format!("{in_file:?}"),
    };
    let (without, with) = (write("without", ""), write("with", &format!("{key} = {value}\n")));
    let line = |config: &str, value: &str| match value {
        "false" if is_flag => vec![config.to_owned()],
        _ if is_flag => vec![config.to_owned(), format!("--{key}")],
        value => vec![config.to_owned(), format!("--{key}={value}")],
    };
    let only = |config: &str| vec![config.to_owned()];
    let lines = [in_file, in_variable, in_line].map(|value| line(&without, value));
    let [first, second, third, file] =
        parsed_with(&[], &[&lines[..], &[only(&with)]].concat()).try_into().unwrap();
    assert!(first.starts_with("Ok") && first != second, "--{key}: {first}");
    assert_eq!(file, first, "--{key} by a file is as by the command line");
    let name = format!("SSE_{}", key.replace('-', "_").to_uppercase());
    let [alone, over_file, under_line] =
        parsed_with(&[(&name, in_variable)], &[only(&without), only(&with), line(&with, in_line)])
            .try_into()
            .unwrap();
    assert_eq!(alone, second, "{name} is as --{key}");
    assert_eq!(over_file, second, "{name} wins over the file");
    assert_eq!(under_line, third, "--{key} wins over {name}");
}

#[test]
fn every_option_is_set_in_each_of_three_ways() {
    if parse_lines_of_parent() {
        return;
    }
    let command = Arguments::command();
    let serve = command.find_subcommand("serve").unwrap();
    let directory = TempDir::new().unwrap();
    let mut checked = 0;
    for option in
        serve.get_arguments().filter(|option| !["config", "help"].contains(&option.get_id().as_str()))
    {
        for values in samples(option) {
            check_option(option, &values, directory.path());
        }
        checked += 1;
    }
    assert!(checked > 30, "{checked} options");
    // A file cannot name another file; the environment names one.
    let file = directory.path().join("file");
    std::fs::write(&file, "retry = 21\n").unwrap();
    let [by_variable] = parsed_with(&[("SSE_CONFIG", file.to_str().unwrap())], &[vec![]]).try_into().unwrap();
    assert_eq!(by_variable, format!("{:?}", parsed(&["--retry=21".into()])));
    // A flag excludes other options only where it is on.
    let token = vec!["--publish-token=t".to_owned()];
    let [off] =
        parsed_with(&[("SSE_ANYONE_MAY_PUBLISH", "false")], std::slice::from_ref(&token)).try_into().unwrap();
    assert_eq!(off, format!("{:?}", parsed(&token)));
    let [on] = parsed_with(&[("SSE_ANYONE_MAY_PUBLISH", "true")], &[token]).try_into().unwrap();
    assert!(on.starts_with("Err") && on.contains("--anyone-may-publish"), "{on}");
}

#[test]
fn options_that_need_or_exclude_another_one_see_the_file() {
    assert_eq!(from("key = \"k\"", &["--cert=c"]), from("", &["--cert=c", "--key=k"]));
    assert_eq!(from("cert = \"c\"", &["--key=k"]), from("", &["--cert=c", "--key=k"]));
    for (file, arguments, part) in [
        ("", &["--cert=c"][..], "--key"),
        ("cert = \"c\"", &[], "--key"),
        ("publish-token-file = \"f\"", &["--publish-token=t"], "--publish-token-file"),
        ("jwks = \"f\"", &["--jwt-key-file=f"], "--jwks"),
    ] {
        let error = from(file, arguments).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn unknown_keys_and_wrong_values_are_errors_that_name_the_key() {
    for (file, part) in [
        ("max-bodi = 5", "`max-bodi`: there is no such option"),
        ("max_body = 5", "`max_body`: there is no such option"),
        ("[limits]\nmax-body = 5", "`limits`: there is no such option"),
        ("config = \"x\"", "`config`: there is no such option"),
        ("help = true", "`help`: there is no such option"),
        ("max-body = \"many\"", "--max-body"),
        ("max-body = [5]", "`max-body`"),
        ("host = [[\"a\"]]", "`host`"),
        ("anyone-may-publish = 1", "true or false"),
        ("publish-token = \"secret\nretry = 1", "line"),
    ] {
        let error = from(file, &[]).unwrap_err();
        assert!(error.contains(part) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn errors_name_the_variable_or_the_file_that_sets_the_option() {
    for (name, value, part) in [
        ("SSE_MAX_BODY", "many", "--max-body is set by the variable SSE_MAX_BODY"),
        ("SSE_MAX_BODY", "", "--max-body is set by the variable SSE_MAX_BODY"),
        ("SSE_JWT_LEEWAY", "3601", "--jwt-leeway is set by the variable SSE_JWT_LEEWAY"),
        ("SSE_SLOW", "maybe", "--slow is set by the variable SSE_SLOW"),
        ("SSE_HOST", "a,,b", "--host is set by the variable SSE_HOST"),
        ("SSE_PUBLISH_TOKEN", " ", "--publish-token is set by the variable SSE_PUBLISH_TOKEN"),
        ("SSE_TOKEN_COOKIE", "a b", "--token-cookie is set by the variable SSE_TOKEN_COOKIE"),
        ("SSE_CERT", "c", "--cert is set by the variable SSE_CERT"),
        ("SSE_ANYONE_MAY_PUBLISH", "perhaps", "SSE_ANYONE_MAY_PUBLISH: true or false is wanted"),
        ("SSE_ANYONE_MAY_PUBLISH", "", "SSE_ANYONE_MAY_PUBLISH: true or false is wanted"),
        ("SSE_CONFIG", "/absent/file", "/absent/file: "),
    ] {
        let [error] = parsed_with(&[(name, value)], &[vec![]]).try_into().unwrap();
        assert!(error.starts_with("Err") && error.contains(part), "{name}={value}: {error}");
        let [line] = parsed_with(&[], &[vec!["--max-body=x".to_owned()]]).try_into().unwrap();
        assert!(line.starts_with("Err") && !line.contains("is set by"), "{line}");
    }
    for (file, arguments, name) in [
        ("max-body = \"many\"", &[][..], "--max-body"),
        ("max-body = 1.5", &[], "--max-body"),
        ("max-body = -1", &[], "--max-body"),
        ("cors-origin = [\"https://a.example/\"]", &[], "--cors-origin"),
        ("publish-token-file = \"f\"", &["--publish-token=t"], "--publish-token-file"),
    ] {
        let error = from(file, arguments).unwrap_err();
        assert!(error.contains(&format!("  {name} is set by /")), "{error}");
        assert!(error.contains("Usage: sse serve"), "{error}");
        assert_eq!(error.matches("is set by").count(), 1, "only what the file sets: {error}");
    }
}

#[test]
fn variables_separate_lists_by_commas_and_take_flags_in_many_words() {
    let line = |arguments: &[&str]| parsed(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>());
    let [hosts] = parsed_with(&[("SSE_HOST", "a.example, b.example")], &[vec![]]).try_into().unwrap();
    assert_eq!(hosts, format!("{:?}", line(&["--host=a.example", "--host=b.example"])));
    for (value, arguments) in
        [("yes", &["--anyone-may-publish"][..]), ("On", &["--anyone-may-publish"]), ("0", &[])]
    {
        let [flag] = parsed_with(&[("SSE_ANYONE_MAY_PUBLISH", value)], &[vec![]]).try_into().unwrap();
        assert_eq!(flag, format!("{:?}", line(arguments)), "{value}");
    }
    let key = "--jwt-key=k";
    let commas = line(&[key, "--jwt-audience=a,b"]).unwrap();
    assert_ne!(
        commas,
        line(&[key, "--jwt-audience=a", "--jwt-audience=b"]).unwrap(),
        "one value has a comma"
    );
    assert_eq!(from("jwt-audience = \"a,b\"", &[key]).unwrap(), commas);
}

#[test]
fn an_unknown_variable_is_reported_with_the_nearest_known_name_and_without_its_value() {
    let known = ["SSE_MAX_BODY", "SSE_PUBLISH_TOKEN"].map(str::to_owned);
    let warning = |name| ignored(name, &known);
    let near = warning("SSE_PUBLISH_TOKN").unwrap();
    assert!(near.contains("SSE_PUBLISH_TOKN") && near.ends_with("did you mean SSE_PUBLISH_TOKEN?"), "{near}");
    let far = warning("SSE_C_KEY").unwrap();
    assert!(far.contains("SSE_C_KEY") && !far.contains("did you mean"), "{far}");
    for fine in ["SSE_MAX_BODY", "RUST_LOG", "XSSE_MAX_BODY"] {
        assert_eq!(warning(fine), None);
    }
}
