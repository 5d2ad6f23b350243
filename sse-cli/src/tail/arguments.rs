//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sse_tokio::reqwest::Url;
use sse_tokio::{Config, Liveness, ReconnectPolicy, Repeat};

use crate::limits::LimitArguments;
use crate::request::{RequestArguments, seconds, url};

/// Follow a stream, through lost connections
///
/// Events, comments and reconnection times are printed to standard output, everything that is said about the stream to
/// standard error. On a terminal, control characters of the server are shown escaped (not with --raw).
#[derive(Args, Debug)]
#[command(after_help = crate::manual::exit_codes())]
pub(crate) struct Arguments {
    /// The stream; http:// unless it says otherwise
    #[arg(value_parser = url)]
    pub(super) url: Url,

    #[command(flatten)]
    pub(super) request: RequestArguments,

    /// Print one JSON object a line: "kind" is open, event, comment, retry, disconnected or closed, with "event", "data",
    /// "id", "status", "attempt", "delay_ms" and "cause" where they apply
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,

    /// Show lines that have no effect as well (with --json, of the kind "ignored"): unknown fields, and values that are not valid
    #[arg(short, long, conflicts_with = "raw", help_heading = "Output")]
    pub(super) verbose: bool,

    /// Print the bytes of the response as they come, and end with it
    #[arg(long, conflicts_with_all = ["json", "repeat"], help_heading = "Output")]
    pub(super) raw: bool,

    /// Write the response's head and chunks with their times to this file, for `sse replay` and `sse parse`; its mode is 0600, and
    /// the request is not in it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) record: Option<PathBuf>,

    /// End after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(super) max_events: Option<u64>,

    /// Begin after the event with this ID
    #[arg(long, value_name = "ID", value_parser = id, help_heading = "Request")]
    pub(super) last_event_id: Option<String>,

    /// Take any response with status 200 for a stream, unless it is a page (text/html), and print the last event of a
    /// response also if the blank line after it is missing
    #[arg(long, help_heading = "Request")]
    pub(super) lenient: bool,

    /// Seconds without a byte after which the connection counts as dead; comments are life [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Time")]
    pub(super) timeout: Option<Duration>,

    /// Seconds without an event after which the connection counts as dead [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Time")]
    pub(super) event_timeout: Option<Duration>,

    /// Seconds that a connection may take until it is established
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", help_heading = "Time")]
    pub(super) connect_timeout: Duration,

    /// Seconds that a response may take to begin after its request was sent
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120", help_heading = "Time")]
    pub(super) head_timeout: Duration,

    #[command(flatten)]
    pub(super) limits: LimitArguments,

    /// Give up after this many consecutive failed attempts [default: any number]
    #[arg(long, value_name = "N", help_heading = "Reconnection")]
    pub(super) max_retries: Option<u32>,

    /// Seconds before the first attempt, unless the server says otherwise; doubled with every further one, up to 30
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1", help_heading = "Reconnection")]
    pub(super) retry_delay: Duration,

    /// Statuses that are worth another attempt, Retry-After honoured [default: none; without a value
    /// 408, 425, 429, 500, 502, 503, 504, 520 to 524 and 529]
    #[arg(
        long,
        value_name = "STATUS,..",
        value_parser = clap::value_parser!(u16).range(300..600),
        num_args = 0..,
        value_delimiter = ',',
        require_equals = true,
        default_missing_values =
            ["408", "425", "429", "500", "502", "503", "504", "520", "521", "522", "523", "524", "529"],
        help_heading = "Reconnection"
    )]
    pub(super) retry_status: Vec<u16>,

    /// Whether the request is sent again when its response is over [default: never for POST and PATCH, else always]
    #[arg(long, value_name = "WHEN", value_enum, help_heading = "Reconnection")]
    pub(super) repeat: Option<When>,

    /// End with the response: the same as --repeat never
    #[arg(long, conflicts_with = "repeat", help_heading = "Reconnection")]
    pub(super) no_reconnect: bool,
}

/// When the request is sent again.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum When {
    /// Not at all
    Never,
    /// If there is an event ID to resume from
    #[value(alias = "if-id")]
    IfResumable,
    /// If it was refused by a status of --retry-status
    IfRefused,
    /// Whenever the response is over
    Always,
}

impl Arguments {
    /// What the protocol's machine is told.
    pub(super) fn config(&self) -> Config {
        Config::default()
            .with_policy(
                ReconnectPolicy::default().with_initial(self.retry_delay).with_max_attempts(self.max_retries),
            )
            .with_repeat(if self.no_reconnect || self.raw {
                Some(Repeat::Never)
            } else {
                self.repeat.map(|when| match when {
                    When::Never => Repeat::Never,
                    When::IfResumable => Repeat::IfResumable,
                    When::IfRefused => Repeat::IfRefused,
                    When::Always => Repeat::Always,
                })
            })
            .with_retry_status(self.retry_status.clone())
            .with_lenient_content_type(self.lenient)
            .with_connect_timeout(self.connect_timeout)
            .with_head_timeout(self.head_timeout)
            .with_idle_timeout(self.timeout.map_or(Liveness::Off, Liveness::After))
            .with_event_timeout(self.event_timeout)
            .with_limits(self.limits.limits())
            .with_deliver_unterminated(self.lenient)
            .with_diagnostics(self.verbose)
            .with_last_event_id(self.last_event_id.clone().unwrap_or_default())
    }
}

/// An ID that would not be sent is not passed over in silence.
fn id(text: &str) -> Result<String, &'static str> {
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err("no header can carry its control characters");
    }
    Ok(text.to_owned())
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

    fn config(arguments: &[&str]) -> Config {
        let line = ["tail", "http://localhost/"].iter().chain(arguments);
        Tail::try_parse_from(line).unwrap().arguments.config()
    }

    #[test]
    fn without_flags_it_is_the_default_client() {
        assert_eq!(config(&[]), Config::default());
    }

    #[test]
    fn each_flag_sets_its_part() {
        let second = Duration::from_millis(1500);
        assert_eq!(config(&["--timeout", "1.5"]).idle_timeout(), Liveness::After(second));
        assert_eq!(config(&["--event-timeout", "1.5"]).event_timeout(), Some(second));
        assert_eq!(config(&["--connect-timeout", "1.5"]).connect_timeout(), Some(second));
        assert_eq!(config(&["--head-timeout", "1.5"]).head_timeout(), Some(second));
        assert_eq!(config(&["--retry-delay", "1.5"]).policy().initial(), second);
        assert_eq!(config(&["--max-retries", "0"]).policy().max_attempts(), Some(0));
        assert_eq!(config(&["--last-event-id", "7"]).last_event_id(), "7");
        assert_eq!(config(&["--no-reconnect"]).repeat(), Some(Repeat::Never));
        assert_eq!(config(&["--raw"]).repeat(), Some(Repeat::Never));
        assert_eq!(config(&["--repeat", "if-resumable"]).repeat(), Some(Repeat::IfResumable));
        assert_eq!(config(&["--repeat", "if-refused"]).repeat(), Some(Repeat::IfRefused));
        assert!(config(&["--verbose"]).diagnostics());
        let lenient = config(&["--lenient"]);
        assert!(lenient.lenient_content_type() && lenient.deliver_unterminated());
    }

    #[test]
    fn retried_statuses_are_those_given_or_the_transient_ones() {
        assert_eq!(config(&["--retry-status=500,429"]).retry_status(), [500, 429]);
        assert_eq!(config(&["--retry-status"]).retry_status(), Config::TRANSIENT_STATUS);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for arguments in [
            &["--timeout", "0"][..],
            &["--timeout", "-1"],
            &["--timeout", "soon"],
            &["--retry-status=200"],
            &["--max-events", "0"],
            &["--user", "nobody"],
            &["--raw", "--json"],
            &["-H", "no colon"],
            &["--last-event-id", "5\n6"],
        ] {
            let line = ["tail", "http://localhost/"].iter().chain(arguments);
            assert!(Tail::try_parse_from(line).is_err(), "{arguments:?}");
        }
    }
}
