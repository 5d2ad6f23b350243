//! Follows the stream and prints it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, StreamExt as _};
use sse_tokio::{Cause, CloseReason, Error, Event};
use tokio::sync::Notify;

use super::{Arguments, source, stop};
use crate::failure::{FAILED, Failure, REFUSED, USAGE, chain, in_options};
use crate::output::{Format, Line, Printer, milliseconds};
use crate::recording::Recorder;
use crate::request::shown;

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut stop =
        stop::requested().map_err(|error| Failure::new(FAILED, "cannot listen to signals", &error))?;
    let tap = Tap::new(arguments)?;
    let mut source = source::builder(arguments)?
        .on_chunk(tap.hook(arguments.raw))
        .build()
        .map_err(|error| Failure::new(USAGE, shown(&arguments.url), &error))?;
    let mut printer = Printer::new(match (arguments.raw, arguments.json) {
        (true, _) => Format::Raw,
        (_, true) => Format::Json,
        _ => Format::Text,
    });
    let mut connections = 0_u64;
    let ended = loop {
        if arguments.max_events.is_some_and(|max| printer.events() >= max) {
            break Ended::Wish("enough events");
        }
        // Not only when there is nothing to read: a server that never pauses would keep a signal from being heard.
        if stop.try_recv().is_ok() {
            break Ended::Wish("interrupted");
        }
        let next = match source.next().now_or_never() {
            Some(next) => Some(next),
            None => {
                printer.flush()?;
                tokio::select! {
                    biased;
                    _ = &mut stop => break Ended::Wish("interrupted"),
                    // What is passed on need not have an event in it.
                    () = tap.failed.notified() => None,
                    next = source.next() => Some(next),
                }
            }
        };
        tap.check()?;
        let Some(next) = next else { continue };
        match next {
            Some(Ok(event)) => {
                connections += u64::from(matches!(event, Event::Open(_)));
                tap.event(&event)?;
                print(&mut printer, event)?;
            }
            Some(Err(error)) => break Ended::Failure(error),
            None => break Ended::Peer(source.close_reason()),
        }
    };
    let bytes = tap.bytes.load(Ordering::Relaxed);
    source.close();
    finish(&mut printer, arguments, ended, bytes, connections).await
}

/// How it ended.
enum Ended {
    /// As the user wanted it.
    Wish(&'static str),
    /// As the server wanted it, or because the request is not to be repeated.
    Peer(Option<CloseReason>),
    Failure(Error),
}

fn print(printer: &mut Printer, event: Event) -> io::Result<()> {
    match event {
        Event::Message(message) => printer.event(message.as_event()),
        Event::Comment(comment) => printer.comment(&comment),
        Event::Retry(time) => printer.retry(time),
        Event::Ignored(line) => {
            let object = Line { kind: "ignored", data: Some(&line), ..Line::default() };
            printer.status(&object, format_args!("ignored: {line}"))
        }
        Event::Open(head) => {
            let line = Line { kind: "open", status: Some(head.status.as_u16()), ..Line::default() };
            let (url, status, version) = (shown(&head.url), head.status, head.version);
            printer.status(&line, format_args!("open: {url}, {status} {version:?}"))
        }
        Event::Disconnected { cause, attempt, delay } => {
            let mut why = in_options(&cause.cause().to_string());
            if let Some(error) = cause.error().map(|error| chain(error))
                && !why.contains(&error)
            {
                why = format!("{why}: {error}");
            }
            let status = match cause.cause() {
                Cause::Status(status) => Some(status),
                _ => None,
            };
            let delay = milliseconds(delay);
            let line = Line {
                kind: "disconnected",
                status,
                attempt: Some(attempt),
                delay_ms: Some(delay),
                cause: Some(&why),
                ..Line::default()
            };
            printer.status(&line, format_args!("disconnected: {why}; attempt {attempt} in {delay} ms"))
        }
        _ => Ok(()),
    }
}

async fn finish(
    printer: &mut Printer,
    arguments: &Arguments,
    ended: Ended,
    bytes: u64,
    connections: u64,
) -> Result<ExitCode, Failure> {
    let (cause, status, code) = match ended {
        Ended::Wish(cause) => (cause.to_owned(), None, None),
        Ended::Peer(reason) => {
            let status = (reason == Some(CloseReason::NoContent)).then_some(204);
            (
                reason.map_or_else(|| "closed".to_owned(), |reason| in_options(&reason.to_string())),
                status,
                None,
            )
        }
        Ended::Failure(error) => {
            let status = error.status().map(|status| status.as_u16());
            let refused = error.head().is_some() && error.reason().is_some_and(is_refusal);
            (chain(&error), status, Some(if refused { REFUSED } else { FAILED }))
        }
    };
    let line = Line { kind: "closed", status, cause: Some(&cause), ..Line::default() };
    // In text, a failure is told by whoever called.
    if arguments.json || code.is_none() {
        printer.status(&line, format_args!("closed: {cause}"))?;
    }
    if connections > 0 {
        printer.summary(bytes, Some(connections - 1))?;
    }
    match code {
        None => Ok(ExitCode::SUCCESS),
        Some(code) => Err(Failure::Other { message: format!("{}: {cause}", shown(&arguments.url)), code }),
    }
}

fn is_refusal(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::Status(_)
            | CloseReason::ContentType
            | CloseReason::ContentEncoding(_)
            | CloseReason::Rejected
    )
}

/// Sees the bytes of the stream: counts them, and with `--raw` passes them on.
#[derive(Default)]
struct Tap {
    /// Where the stream is recorded.
    recorder: Option<Arc<Mutex<Recorder>>>,
    bytes: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<io::Error>>>,
    /// Told when there is a failure.
    failed: Arc<Notify>,
}

impl Tap {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let create = |path: &PathBuf| {
            Recorder::create(path).map_err(|error| Failure::new(FAILED, path.display(), &error))
        };
        let recorder = arguments.record.as_ref().map(create).transpose()?;
        Ok(Self { recorder: recorder.map(|recorder| Arc::new(Mutex::new(recorder))), ..Self::default() })
    }

    /// Records what is not a chunk.
    fn event(&self, event: &Event) -> io::Result<()> {
        let Some(recorder) = &self.recorder else { return Ok(()) };
        let mut recorder = recorder.lock().expect("nothing panics while it holds the lock");
        match event {
            Event::Open(head) => recorder.head(head.status.as_u16(), &head.headers),
            Event::Disconnected { cause, .. } => recorder.end(&cause.to_string()),
            _ => Ok(()),
        }
    }

    fn hook(&self, raw: bool) -> impl FnMut(&[u8]) + Send + Sync + 'static {
        let (bytes, failure) = (Arc::clone(&self.bytes), Arc::clone(&self.failure));
        let failed = Arc::clone(&self.failed);
        let recorder = self.recorder.clone();
        move |chunk| {
            bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            let fail = |error| {
                failure.lock().expect("nothing panics while it holds the lock").get_or_insert(error);
                failed.notify_one();
            };
            if let Some(recorder) = &recorder
                && let Err(error) =
                    recorder.lock().expect("nothing panics while it holds the lock").chunk(chunk)
            {
                fail(error);
            }
            if raw {
                let mut stdout = io::stdout().lock();
                if let Err(error) = stdout.write_all(chunk).and_then(|()| stdout.flush()) {
                    fail(error);
                }
            }
        }
    }

    /// What went wrong with passing on.
    fn check(&self) -> io::Result<()> {
        match self.failure.lock().expect("nothing panics while it holds the lock").take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
