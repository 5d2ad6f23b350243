//! Options of `sse tail`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sse_tokio::reqwest::Url;
use sse_tokio::{Config, Liveness, ReconnectPolicy, Repeat};

use crate::limits::LimitArguments;
use crate::output::{Form, Look, Template};
use crate::request::{RequestArguments, seconds, url};

/// Follow streams, reconnecting when a connection drops
///
/// Prints events to standard output, one at a time as they arrive, and everything else to standard
/// error: comments, reconnection times, connections and the totals. With --json, everything is
/// printed to standard output as JSON objects. On a terminal, control characters in the stream are
/// escaped (not with --raw).
///
/// With several URLs, each line begins with its URL (--json: "url", --template: {url}; not with
/// --data-only). A stream that fails does not end the others. The exit code is 0 if no stream
/// failed, the streams' common code if all failed ones have the same code, and otherwise 1.
#[derive(Args, Debug)]
#[command(after_help = crate::manual::exit_codes(), after_long_help = crate::manual::tail_help())]
pub(crate) struct Arguments {
    /// URLs of the streams to follow; http:// unless a URL has a scheme
    #[arg(value_parser = stream, required = true, value_name = "URL")]
    pub(super) urls: Vec<Url>,

    #[command(flatten)]
    pub(super) request: RequestArguments,

    #[command(flatten)]
    pub(super) output: OutputArguments,

    /// Begin after the event with this ID
    #[arg(long, value_name = "ID", value_parser = id, help_heading = "Request")]
    pub(super) last_event_id: Option<String>,

    /// Read cookies from this file and write them to it (Netscape format, as curl; mode 0600); the
    /// file need not exist
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    pub(super) cookie_jar: Option<PathBuf>,

    /// Accept every content type except text/html, and print the last event of a response even if
    /// its blank line is missing
    #[arg(long, help_heading = "Request")]
    pub(super) lenient: bool,

    /// Treat the connection as dead after this many seconds without data; comments count as data
    /// [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Time")]
    pub(super) timeout: Option<Duration>,

    /// Treat the connection as dead after this many seconds without an event [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Time")]
    pub(super) event_timeout: Option<Duration>,

    /// Fail if a connection takes longer than this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", help_heading = "Time")]
    pub(super) connect_timeout: Duration,

    /// Fail if a response does not begin within this many seconds after its request was sent
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120", help_heading = "Time")]
    pub(super) head_timeout: Duration,

    #[command(flatten)]
    pub(super) limits: LimitArguments,

    /// Give up after this many consecutive failed attempts [default: no limit]
    #[arg(long, value_name = "N", help_heading = "Reconnection")]
    pub(super) max_retries: Option<u32>,

    /// Seconds before the first attempt to reconnect, at random down to half of it; doubled for
    /// each further attempt, up to 30. A time that the server sets is lengthened by up to half
    /// instead
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1", help_heading = "Reconnection")]
    pub(super) retry_delay: Duration,

    /// Reconnect after a response with one of these statuses, honouring Retry-After [default: none;
    /// without a value 408, 425, 429, 500, 502, 503, 504, 520 to 524 and 529]
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

    /// When to send the request again after its response has ended [default: never for POST and
    /// PATCH, otherwise always]
    #[arg(long, value_name = "WHEN", value_enum, help_heading = "Reconnection")]
    pub(super) repeat: Option<When>,

    /// End when the response ends; equal to --repeat never
    #[arg(long, help_heading = "Reconnection")]
    pub(super) no_reconnect: bool,
}

/// Options for the output: its content, its format, and its destination.
#[derive(Args, Debug)]
pub(super) struct OutputArguments {
    /// Print only the data, one event per line. A line feed inside the data is printed as a space
    /// if the data is JSON, and otherwise as \n; -0 keeps it
    #[arg(long, help_heading = "Output")]
    pub(super) data_only: bool,

    /// End each event with a NUL instead of a line feed, and print the data unchanged (a NUL in it
    /// as U+FFFD); with --data-only or --template
    #[arg(short = '0', long, help_heading = "Output")]
    pub(super) null: bool,

    /// Print each event with this template, and a line feed. Placeholders: {id}, {event}, {data}
    /// (on one line, as with --data-only), {time}, {url}; escapes: \n, \t, \r, \0, \\, {{ and }}
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub(super) template: Option<Template>,

    /// Print one JSON object per line: "kind" is open, event, comment, retry, disconnected or
    /// closed, with "event", "data", "id", "status", "attempt", "delay_ms" and "cause" where they
    /// apply; "json" is the data as JSON, if it is JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,

    /// Print the bytes of the response unchanged as they arrive, and end with the response
    #[arg(long, help_heading = "Output")]
    pub(super) raw: bool,

    /// Print only events of this type; repeatable. Events without a type have the type `message`
    #[arg(long, value_name = "TYPE", help_heading = "Output")]
    pub(super) event: Vec<String>,

    /// Print the arrival time (UTC, RFC 3339) before each line; with --json, in the field "time"
    #[arg(long, help_heading = "Output")]
    pub(super) timestamps: bool,

    /// Also print lines that the specification ignores (--json: kind "ignored"): unknown fields and
    /// invalid values
    #[arg(short, long, help_heading = "Output")]
    pub(super) verbose: bool,

    /// End after printing this many events of all URLs together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(super) max_events: Option<u64>,

    /// End at the event whose data is exactly this text, such as [DONE]; that event is not printed.
    /// A stream that ends before it has failed (exit code 1). With several URLs, each stream ends
    /// at its own
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub(super) until: Option<String>,

    /// Write the output to this file instead of standard output; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Option<PathBuf>,

    /// Record the head and the chunks of each response with their times in this file, for `sse
    /// replay` and `sse parse`. The file has mode 0600, and does not contain the request
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) record: Option<PathBuf>,
}

/// Condition under which the request is sent again.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum When {
    /// Never
    Never,
    /// If there is an event ID to resume from
    #[value(alias = "if-id")]
    IfResumable,
    /// If the request was not sent, or the response had a status of --retry-status
    IfRefused,
    /// After every response
    Always,
}

impl Arguments {
    /// The protocol's settings for these arguments.
    pub(super) fn config(&self) -> Config {
        Config::default()
            .with_policy(
                ReconnectPolicy::default().with_initial(self.retry_delay).with_max_attempts(self.max_retries),
            )
            .with_repeat(if self.no_reconnect || self.output.raw {
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
            .with_diagnostics(self.output.verbose)
            .with_last_event_id(self.last_event_id.clone().unwrap_or_default())
    }
}

impl OutputArguments {
    /// The printer's settings; `urls` means that each line names its stream.
    pub(super) fn look(&self, urls: bool) -> Look {
        let form = match &self.template {
            Some(template) => Form::Template(template.clone()),
            None if self.data_only => Form::Data,
            None if self.json => Form::Json,
            None if self.raw => Form::Raw,
            None => Form::Text,
        };
        Look { form, null: self.null, urls, timestamps: self.timestamps, asides: false }
    }

    /// Whether events of this type are printed.
    pub(super) fn prints(&self, event: &str) -> bool {
        self.event.is_empty() || self.event.iter().any(|wanted| wanted == event)
    }
}

/// Parses the URL of a stream. Digits are not one: without its `=`, `--retry-status` leaves its
/// statuses to the URLs, and `http://503/` is a host of IPv4.
fn stream(text: &str) -> Result<Url, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',') {
        return Err("digits are not a URL; statuses are written --retry-status=503,429".into());
    }
    url(text).map_err(|error| error.to_string())
}

/// Parses an event ID; an ID that no header can carry is an error.
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
    fn without_flags_tail_has_the_default_settings() {
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
    fn invalid_values_are_rejected() {
        for arguments in [
            &["--timeout", "0"][..],
            &["--timeout", "-1"],
            &["--timeout", "soon"],
            &["--retry-status=200"],
            &["--retry-status", "503,429"],
            &["--max-events", "0"],
            &["--user", "nobody"],
            &["--template", "{name}"],
            &["--proxy", "ftp://127.0.0.1/"],
            &["--user-agent", "a\nb"],
            &["-H", "no colon"],
            &["--last-event-id", "5\n6"],
        ] {
            let line = ["tail", "http://localhost/"].iter().chain(arguments);
            assert!(Tail::try_parse_from(line).is_err(), "{arguments:?}");
        }
    }
}
