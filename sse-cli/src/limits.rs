//! Options that bound the memory that a stream may take.

use clap::Args;
use proto::Limits;

/// Options for limits, of every command that reads a stream.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LimitArguments {
    /// Largest event, in bytes of data and type together; also the largest comment
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "16777216", help_heading = "Limits")]
    limit_event: usize,

    /// Longest event ID, in bytes
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "4096", help_heading = "Limits")]
    limit_id: usize,
}

impl LimitArguments {
    /// The parser's limits with these options.
    pub(crate) fn limits(&self) -> Limits {
        Limits::default().with_event(self.limit_event).with_id(self.limit_id)
    }
}

fn bytes(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(0) | Err(_) => Err("not a number of bytes, from 1 on"),
        Ok(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArguments,
    }

    fn limits(arguments: &[&str]) -> Option<Limits> {
        let line = ["command"].iter().chain(arguments);
        Command::try_parse_from(line).ok().map(|command| command.limits.limits())
    }

    #[test]
    fn the_defaults_are_those_of_the_parser_and_each_option_sets_its_limit() {
        assert_eq!(limits(&[]), Some(Limits::default()));
        assert_eq!(limits(&["--limit-event", "9"]), Some(Limits::default().with_event(9)));
        assert_eq!(limits(&["--limit-id", "9"]), Some(Limits::default().with_id(9)));
        for nonsense in ["0", "-1", "many"] {
            assert_eq!(limits(&["--limit-event", nonsense]), None, "{nonsense}");
        }
    }
}
