//! `sse check`: tests servers of event streams, clients and parsers.
//!
//! It connects to a server as different clients would, and reports faults and advice. The rules are
//! pure functions of the observed responses: `head` (status and headers), `framing` and `fields`
//! (the format), `ids`, `arrival` (times), `resume` (what a reconnecting client gets). `secrets`
//! keeps credentials out of reports.
//!
//! ```text
//!  probe: GET ──────────────────▶ Observation ─▶ head, framing, arrival ─┐
//!  probe: HEAD, OPTIONS, gzip, HTTP/1.0 ───────▶ head                    ├─▶ report: text, JSON, JUnit
//!  probe: GET with Last-Event-ID ──────────────▶ resume ─────────────────┘
//! ```

mod arrival;
mod body;
mod client;
mod fields;
mod finding;
mod framing;
mod head;
mod ids;
mod junit;
mod parser;
mod probe;
mod report;
mod resume;
mod secrets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sse_tokio::reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use sse_tokio::reqwest::{Client, ClientBuilder, Method, Url, Version, redirect};
use tokio::time::Instant;

use crate::failure::{FAILED, Failure, USAGE};
use crate::request::{RequestArguments, shown};
use body::Body;
use finding::{Finding, Level};
use probe::{End, Observation, Target, Variant, observe};
use report::Report;
use secrets::Secrets;

/// Check a server, a client or a parser of event streams
///
/// With a URL: connects as different clients would, and reports faults (clients break, events are
/// late or lost) and advice, each with its evidence, the section of the specification, and a fix.
/// Answers the question "why do my events arrive all at once?".
///
/// With --client: starts the command for every scenario of reconnection, each with its own server,
/// and checks what the client does on the wire; with --events json also whether it parses every
/// test stream correctly. With --parser: feeds the command random streams on standard input, and
/// compares the events that it prints.
///
/// Exit codes: 0 without a fault; 1 with a fault, or if the server cannot be reached; 2 for invalid
/// arguments.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// URL of a server's stream; http:// unless it has a scheme
    #[arg(value_parser = crate::request::url, required_unless_present_any = ["client", "parser"], conflicts_with_all = ["client", "parser"])]
    url: Option<Url>,

    /// Test a client: the command after `--`, in which {url} is replaced by the URL
    #[arg(long, conflicts_with = "parser", help_heading = "Clients")]
    client: bool,

    /// Output format of the client: json means one object per line with "event", "data" and "id"
    #[arg(long, value_enum, requires = "client", help_heading = "Clients")]
    events: Option<Printed>,

    /// Run only scenarios with this text in their name; repeatable
    #[arg(long, value_name = "TEXT", requires = "client", help_heading = "Clients")]
    filter: Vec<String>,

    /// Run only scenarios of this section of the specification, such as 9.2.6
    #[arg(long, value_name = "SECTION", requires = "client", help_heading = "Clients")]
    section: Option<String>,

    /// List the scenarios without running them
    #[arg(long, requires = "client", help_heading = "Clients")]
    list: bool,

    /// Number of scenarios that run at a time
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Clients")]
    jobs: usize,

    /// Test a parser by comparing it with this project's: the command after `--` reads a stream
    /// from standard input, and prints one JSON object per line with "event", "data" and "id"
    #[arg(long, help_heading = "Parsers")]
    parser: bool,

    /// How long to try random streams, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = crate::request::seconds, help_heading = "Parsers")]
    seconds: Duration,

    /// Begin with the random stream of this seed, to repeat a run
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Parsers")]
    seed: u64,

    /// The command of --client or --parser, and its arguments; no shell is involved
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    #[command(flatten)]
    request: RequestArguments,

    /// Seconds that all connections to a server together may take [default: 30]; with --client,
    /// seconds that a client has for each step [default: 4]
    #[arg(long, value_name = "SECONDS", value_parser = crate::request::seconds)]
    patience: Option<Duration>,

    /// Send the request several times even though it has a body
    #[arg(long)]
    all: bool,

    /// Print the report as one JSON object: "url", "ok", "faults", "advice", "findings" with
    /// "level" (fault, advice, pass), "code", "message", "evidence", "reference", "fix"; with
    /// --client "client", "passed", "failed", "scenarios"
    #[arg(long)]
    json: bool,

    /// Write a JUnit XML report to this file too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Output format of a client.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Printed {
    /// One JSON object per line
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(conflict) = arguments.request.conflict() {
        return Err(Failure::Other { message: conflict.to_owned(), code: USAGE });
    }
    if (arguments.client || arguments.parser) && arguments.command.is_empty() && !arguments.list {
        let example = if arguments.parser {
            "--parser -- python parser.py"
        } else {
            "--client -- node client.js {url}"
        };
        let message = format!("give the command after `--`: sse check {example}");
        return Err(Failure::Other { message, code: USAGE });
    }
    match &arguments.url {
        Some(url) => server(arguments, url).await,
        None if arguments.parser => parser::run(arguments).await,
        None => client::run(arguments).await,
    }
}

/// Checks the server at `url`.
async fn server(arguments: &Arguments, url: &Url) -> Result<ExitCode, Failure> {
    let target = target(&arguments.request, url);
    let clients = Clients::new(&arguments.request)?;
    let many = target.body.is_none() && matches!(target.method, Method::GET) || arguments.all;
    let patience = arguments.patience.unwrap_or(Duration::from_secs(30));
    let findings = examine(&clients, &target, patience, many).await;
    let secrets = Secrets::new(&target.url, arguments.request.headers());
    let report = Report::new(shown(url).to_string(), secrets.hidden(findings));
    if let Some(path) = &arguments.junit {
        std::fs::write(path, report.junit()).map_err(|error| Failure::new(FAILED, path.display(), &error))?;
    }
    if arguments.json {
        report.print_json()?
    } else {
        report.print_text()?
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { FAILED.into() })
}

fn target(arguments: &RequestArguments, url: &Url) -> Target {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.extend(arguments.user_agent().map(|name| (USER_AGENT, name)));
    if arguments.data.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(arguments.content_type()));
    }
    for (name, value) in arguments.headers() {
        match value {
            Some(value) => headers.insert(name, value.clone()),
            None => headers.remove(name),
        };
    }
    let body = arguments.data().map(<[u8]>::to_vec);
    let method = arguments.method.clone().unwrap_or(if body.is_some() { Method::POST } else { Method::GET });
    Target { url: arguments.with_credentials(url), method, headers, body }
}

/// HTTP clients for different versions of HTTP.
struct Clients {
    /// HTTP/2 if ALPN offers it, otherwise HTTP/1.1.
    usual: Client,
    /// Only HTTP/1.1 and 1.0.
    http1: Client,
    /// Only HTTP/2, without negotiation.
    http2: Client,
}

impl Clients {
    fn new(arguments: &RequestArguments) -> Result<Self, Failure> {
        Ok(Self {
            usual: own_client(arguments, |client| client)?,
            http1: own_client(arguments, ClientBuilder::http1_only)?,
            http2: own_client(arguments, ClientBuilder::http2_prior_knowledge)?,
        })
    }
}

fn own_client(
    arguments: &RequestArguments,
    version: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, Failure> {
    version(arguments.client_builder()?.unwrap_or_default())
        // The coding must stay visible, whichever features of reqwest other crates enable.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .redirect(redirect::Policy::limited(20))
        // Each probe uses a new connection, as a separate client would.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Failure::new(FAILED, "cannot set up the client", &error))
}

/// Runs all probes within `patience`; only the first one unless `many` allows the request to be
/// sent several times.
async fn examine(clients: &Clients, target: &Target, patience: Duration, many: bool) -> Vec<Finding> {
    let deadline = Instant::now() + patience;
    // The probe of resumption needs some time after the other probes.
    let reserve = if many { patience.mul_f64(0.35).min(Duration::from_secs(5)) } else { Duration::ZERO };
    let plain = Variant { headers: vec![("accept-encoding", "identity".into())], ..Variant::default() };
    let main = observe(&clients.usual, target, &plain, deadline - reserve, settled);
    if !many {
        return of_one(&main.await);
    }
    let side_deadline = Instant::now() + patience.mul_f64(0.3);
    let (main, sides) = tokio::join!(main, Sides::observe(clients, target, side_deadline));
    let mut findings = of_one(&main);
    findings.extend(head::redirected(&main, &target.url));
    let Some(head) = &main.head else {
        if matches!(main.end, End::NotHttp(_) | End::Broken(_)) && target.url.scheme() == "http" {
            let other = observe(&clients.http2, target, &plain, deadline, |_, _| true).await;
            if other.head.is_some() {
                return vec![head::http2_alone()];
            }
        }
        return findings;
    };
    if head.status.as_u16() != 200 {
        return findings;
    }
    findings.extend(head::others(&sides.head, &sides.options, &sides.gzip, &main));
    findings.push(head::old_version(&sides.old));
    if head.version >= Version::HTTP_2 {
        findings.push(head::without_http2(&sides.http1));
    }
    let events = resume::events(&main.body);
    if let Some(point) = resume::point(&events) {
        let mut again = plain.clone();
        again.headers.push(("last-event-id", String::from_utf8_lossy(&point.id).into_owned()));
        let known = main.body.dispatched();
        let enough = |body: &Body, _| body.dispatched() > known;
        let again = observe(&clients.usual, target, &again, deadline, enough).await;
        findings.extend(resume::resumption(&events, point, head.after, &again));
    }
    findings
}

/// Observations of the connections besides the main one.
struct Sides {
    head: Observation,
    options: Observation,
    /// A request that accepts compression, sent like one from a page of another origin.
    gzip: Observation,
    http1: Observation,
    old: Observation,
}

impl Sides {
    async fn observe(clients: &Clients, target: &Target, deadline: Instant) -> Self {
        let origin = ("origin", "https://page.example".to_owned());
        let method = |method, headers| Variant { method: Some(method), headers, ..Variant::default() };
        let version = |version| Variant { version: Some(version), ..Variant::default() };
        let head = method(Method::HEAD, vec![]);
        let preflight = vec![
            origin.clone(),
            ("access-control-request-method", "GET".into()),
            ("access-control-request-headers", "last-event-id".into()),
        ];
        let options = method(Method::OPTIONS, preflight);
        let codings = vec![origin, ("accept-encoding", "gzip, deflate, br, zstd".into())];
        let gzip = Variant { headers: codings, ..Variant::default() };
        let (http1, old) = (version(Version::HTTP_11), version(Version::HTTP_10));
        let few = |body: &Body, _| body.dispatched() >= 3;
        let (head, options, gzip, http1, old) = tokio::join!(
            observe(&clients.usual, target, &head, deadline, |_, _| false),
            observe(&clients.usual, target, &options, deadline, |_, _| false),
            observe(&clients.usual, target, &gzip, deadline, few),
            // Only its head matters.
            observe(&clients.http1, target, &http1, deadline, |_, _| true),
            observe(&clients.http1, target, &old, deadline, few),
        );
        Self { head, options, gzip, http1, old }
    }
}

/// The findings that need only one connection.
fn of_one(main: &Observation) -> Vec<Finding> {
    let mut findings = head::check(main);
    // After a fault of the head, the bytes are not a stream that could be read.
    if findings.iter().any(|finding| finding.level == Level::Fault) {
        return findings;
    }
    let format = framing::check(&main.body, main.tail());
    let is_text = !format.iter().any(|finding| finding.code == "content-coding");
    findings.extend(format);
    if is_text {
        findings.extend(arrival::check(main));
        findings.extend(ids::check(&main.body));
    }
    findings.push(match &main.end {
        End::Stopped => Finding::pass("end", "the stream was still open when the check hung up"),
        End::Eof => Finding::pass(
            "end",
            format!("the server ended the response after {}", arrival::show(main.lasted)),
        ),
        End::Broken(error) | End::Unreachable(error) | End::NotHttp(error) | End::Redirects(error) => {
            Finding::advice(
                "end",
                format!("the connection broke after {}: {error}", arrival::show(main.lasted)),
            )
            .fix("end responses between two events; clients reconnect either way")
        }
    });
    findings
}

/// Whether there are enough arrivals to check their timing: single events over several seconds.
///
/// Events in a few bunches do not suffice before the time is up, because a pause may be long.
fn settled(body: &Body, lasted: Duration) -> bool {
    lasted >= Duration::from_secs(6) && body.dispatched() >= 12 && body.pauses() >= 8
}
