//! Contradictions between options of `sse tail`, and how to resolve them.

use std::path::PathBuf;

use super::Arguments;
use crate::failure::{Failure, USAGE};

impl Arguments {
    /// Returns an error if options contradict each other.
    ///
    /// # Errors
    ///
    /// The first contradiction, and how to resolve it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let conflict = self
            .forms()
            .or_else(|| self.raw().or_else(|| self.several()).map(str::to_owned))
            .or_else(|| self.files())
            .or_else(|| self.request.conflict().map(str::to_owned));
        match conflict {
            Some(message) => Err(Failure::Other { message, code: USAGE }),
            None => Ok(()),
        }
    }

    /// Checks that at most one output format is given.
    fn forms(&self) -> Option<String> {
        let output = &self.output;
        let forms = [
            (output.data_only, "--data-only"),
            (output.template.is_some(), "--template"),
            (output.json, "--json"),
            (output.raw, "--raw"),
        ];
        let mut given = forms.iter().filter(|(given, _)| *given).map(|(_, name)| *name);
        if let (Some(one), Some(other)) = (given.next(), given.next()) {
            return Some(format!("{one} and {other} are two forms of the output; give one of them"));
        }
        if output.null && !output.data_only && output.template.is_none() {
            return Some("-0 ends the events of --data-only or --template; add one of them".to_owned());
        }
        if output.timestamps && output.template.is_some() {
            return Some(
                "--timestamps does not apply to a template; write {time} where it belongs".to_owned(),
            );
        }
        None
    }

    /// Checks for options that contradict `--raw`.
    fn raw(&self) -> Option<&'static str> {
        let output = &self.output;
        let conflicts = [
            (
                output.timestamps,
                "--raw prints only what the server sent; to keep the times, use --record FILE",
            ),
            (!output.event.is_empty(), "--raw prints every byte; to select events, drop --raw or --event"),
            (output.until.is_some(), "--raw prints every byte; to end at an event, drop --raw or --until"),
            (output.verbose, "--raw prints ignored lines anyway; drop --verbose"),
            (self.repeat.is_some(), "--raw ends with the response; drop --raw or --repeat"),
        ];
        if output.raw {
            return conflicts.iter().find(|(given, _)| *given).map(|(_, message)| *message);
        }
        (self.no_reconnect && self.repeat.is_some())
            .then_some("--no-reconnect and --repeat set the same thing; give one of them")
    }

    /// Checks for options that allow only one URL.
    fn several(&self) -> Option<&'static str> {
        if self.urls.len() == 1 {
            return None;
        }
        if self.output.raw {
            return Some("--raw would mix the bytes of the URLs; run the command once for each URL");
        }
        self.output
            .record
            .is_some()
            .then_some("--record keeps one stream; run the command once for each URL, with a file each")
    }

    /// Checks that no file is used for two purposes.
    fn files(&self) -> Option<String> {
        let files = [
            ("-o", &self.output.output),
            ("--record", &self.output.record),
            ("--cookie-jar", &self.cookie_jar),
        ];
        let given: Vec<(&str, &PathBuf)> =
            files.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))).collect();
        for (index, (name, path)) in given.iter().enumerate() {
            if let Some((other, _)) = given[..index].iter().find(|(_, other)| other == path) {
                return Some(format!("{other} and {name} name the same file; give each a file of its own"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Tail {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn conflict(arguments: &[&str]) -> Option<String> {
        let line = ["tail", "http://localhost/"].iter().chain(arguments);
        match Tail::try_parse_from(line).unwrap().arguments.check() {
            Ok(()) => None,
            Err(Failure::Other { message, code: USAGE }) => Some(message),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn contradicting_options_are_refused_with_a_solution() {
        for (arguments, advice) in [
            (&["--json", "--raw"][..], "give one of them"),
            (&["--data-only", "--json"], "give one of them"),
            (&["--data-only", "--template", "{id}"], "give one of them"),
            (&["-0"], "add one of them"),
            (&["-0", "--json"], "add one of them"),
            (&["--template", "{id}", "--timestamps"], "write {time}"),
            (&["--raw", "--timestamps"], "use --record"),
            (&["--raw", "--event", "a"], "drop --raw or --event"),
            (&["--raw", "--verbose"], "drop --verbose"),
            (&["--raw", "--until", "x"], "drop --raw or --until"),
            (&["--raw", "--repeat", "always"], "drop --raw or --repeat"),
            (&["--no-reconnect", "--repeat", "always"], "give one of them"),
            (&["--raw", "http://localhost/b"], "once for each URL"),
            (&["--record", "r", "http://localhost/b"], "once for each URL"),
            (&["-o", "f", "--record", "f"], "a file of its own"),
            (&["--cookie-jar", "f", "--record", "f"], "a file of its own"),
            (&["--key", "k"], "add --cert"),
            (&["--user-agent", "a", "-H", "User-Agent: b"], "give one of them"),
        ] {
            let message = conflict(arguments);
            assert!(message.as_ref().is_some_and(|text| text.contains(advice)), "{arguments:?}: {message:?}");
        }
        #[cfg(unix)]
        assert!(conflict(&["--unix-socket", "s", "--proxy", "http://p"]).unwrap().contains("drop --proxy"));
    }

    #[test]
    fn options_that_go_together_are_accepted() {
        for arguments in [
            &["--data-only", "-0", "--event", "a", "--event", "b", "--timestamps"][..],
            &["--template", "{id}", "-0", "http://localhost/b"],
            &["--json", "--timestamps", "--verbose", "-o", "f", "--record", "r", "--cookie-jar", "c"],
            &["--raw", "-o", "f", "--record", "r", "--no-reconnect", "--max-events", "1"],
            &["--cert", "c", "--key", "k", "-k", "--http1.1", "--proxy", "localhost:3128"],
        ] {
            assert_eq!(conflict(arguments), None, "{arguments:?}");
        }
    }
}
