//! Following of the streams, and printing of their events.

use std::future::poll_fn;
use std::process::ExitCode;
use std::task::Poll;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_tokio::{Error, Event};
use tokio::sync::oneshot;

use super::followed::{Ended, Followed};
use super::tap::Tap;
use super::{Arguments, source, stop};
use crate::cookies::Jar;
use crate::failure::{FAILED, Failure, USAGE};
use crate::output::Printer;
use crate::request::shown;

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    arguments.check()?;
    let mut stop =
        stop::requested().map_err(|error| Failure::new(FAILED, "cannot listen to signals", &error))?;
    let jar = arguments.cookie_jar.as_deref().map(Jar::open).transpose()?;
    let tap = Tap::default();
    let streams = streams(arguments, &tap, jar.as_ref())?;
    // Files are made last: a command that is refused does not touch them. A jar that cannot be
    // written is reported before the first request.
    jar.as_ref().map_or(Ok(()), Jar::save)?;
    let printer = Printer::new(arguments.output.look(streams.len() > 1), tap.open(&arguments.output)?);
    let mut all = All { arguments, streams, tap, jar, printer, turn: 0, codes: Vec::new(), last: None };
    let ended = all.follow(&mut stop).await;
    // Whatever ended it, the cookies are kept.
    all.save()?;
    let wish = ended?;
    all.finish(wish)
}

/// Creates the sources of all URLs.
fn streams(arguments: &Arguments, tap: &Tap, jar: Option<&Jar>) -> Result<Vec<Followed>, Failure> {
    let mut streams = Vec::with_capacity(arguments.urls.len());
    let mut names: Vec<String> = Vec::new();
    for url in &arguments.urls {
        let source = source::builder(arguments, url, jar)?
            .on_chunk(tap.hook())
            .build()
            .map_err(|error| Failure::new(USAGE, shown(url), &error))?;
        let mut name = shown(url).to_string();
        names.push(name.clone());
        // URLs that differ only in what is not shown.
        let same = names.iter().filter(|other| **other == name).count();
        if same > 1 {
            name = format!("{name}#{same}");
        }
        streams.push(Followed::new(name, source));
    }
    Ok(streams)
}

/// All followed streams, and their printer.
struct All<'a> {
    arguments: &'a Arguments,
    streams: Vec<Followed>,
    tap: Tap,
    jar: Option<Jar>,
    printer: Printer,
    /// The index of the stream that is polled first.
    turn: usize,
    /// The exit codes of the streams that failed.
    codes: Vec<u8>,
    /// The failure that ended the command, which is printed after the totals.
    last: Option<Failure>,
}

impl All<'_> {
    /// Prints events until all streams have ended, or until the user ends the command: then returns
    /// the reason.
    async fn follow(&mut self, stop: &mut oneshot::Receiver<()>) -> Result<Option<&'static str>, Failure> {
        while self.streams.iter().any(|stream| !stream.ended) {
            let printed = self.printer.events();
            if self.arguments.output.max_events.is_some_and(|max| printed >= max) {
                return Ok(Some("enough events"));
            }
            // Checked although there may be more to read: a server that never pauses must not hide
            // a signal.
            if stop.try_recv().is_ok() {
                return Ok(Some("interrupted"));
            }
            let ready = next(&mut self.streams, &mut self.turn).now_or_never();
            let next = match ready {
                Some(next) => Some(next),
                None => {
                    self.printer.flush()?;
                    tokio::select! {
                        biased;
                        _ = &mut *stop => return Ok(Some("interrupted")),
                        () = self.tap.failed.notified() => None,
                        next = next(&mut self.streams, &mut self.turn) => Some(next),
                    }
                }
            };
            self.tap.check()?;
            if let Some((index, next)) = next {
                self.step(index, next)?;
            }
        }
        Ok(None)
    }

    /// Prints an item of a stream.
    fn step(&mut self, index: usize, next: Option<Result<Event, Error>>) -> Result<(), Failure> {
        let stream = &mut self.streams[index];
        let until = self.arguments.output.until.as_deref();
        let ended = match next {
            Some(Ok(Event::Message(message))) if until == Some(message.data()) => {
                Ended::Wish("the event of --until came")
            }
            Some(Ok(event)) => {
                self.tap.event(&event)?;
                let connection = matches!(event, Event::Open(_) | Event::Disconnected { .. });
                stream.print(&mut self.printer, &self.arguments.output, event)?;
                if connection {
                    self.save()?;
                }
                return Ok(());
            }
            Some(Err(error)) => Ended::Failure(error),
            None if until.is_some() => Ended::Early(stream.source.close_reason()),
            None => Ended::Peer(stream.source.close_reason()),
        };
        // Not the error itself, which names the URL.
        self.tap
            .end(&stream.source.close_reason().map_or("closed".to_owned(), |reason| reason.to_string()))?;
        let (cause, code) = stream.end(&mut self.printer, self.arguments.output.json, ended)?;
        if let Some(code) = code {
            let failure = Failure::Other { message: format!("{}: {cause}", stream.name()), code };
            self.codes.push(code);
            if self.streams.iter().any(|stream| !stream.ended) {
                self.printer.flush()?;
                failure.report();
            } else {
                self.last = Some(failure);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<(), Failure> {
        self.jar.as_ref().map_or(Ok(()), Jar::save)
    }

    /// Closes the streams that are still open, prints the totals, and returns the exit code.
    fn finish(mut self, wish: Option<&'static str>) -> Result<ExitCode, Failure> {
        if let Some(wish) = wish {
            for stream in self.streams.iter_mut().filter(|stream| !stream.ended) {
                self.tap.end(wish)?;
                stream.end(&mut self.printer, self.arguments.output.json, Ended::Wish(wish))?;
            }
        }
        let opened = self.streams.iter().map(|stream| stream.connections).filter(|count| *count > 0);
        if let Some(reconnections) = opened.map(|count| count - 1).reduce(std::ops::Add::add) {
            self.printer.summary(self.tap.bytes(), Some(reconnections))?;
        }
        self.printer.flush()?;
        if let Some(failure) = self.last {
            failure.report();
        }
        Ok(match &self.codes[..] {
            [] => ExitCode::SUCCESS,
            [first, others @ ..] if others.iter().all(|code| code == first) => (*first).into(),
            _ => FAILED.into(),
        })
    }
}

/// The next item of any stream, and the index of that stream. Streams take turns.
async fn next(streams: &mut [Followed], turn: &mut usize) -> (usize, Option<Result<Event, Error>>) {
    poll_fn(|cx| {
        for offset in 0..streams.len() {
            let index = (*turn + offset) % streams.len();
            let stream = &mut streams[index];
            if stream.ended {
                continue;
            }
            if let Poll::Ready(next) = stream.source.poll_next_unpin(cx) {
                *turn = index + 1;
                return Poll::Ready((index, next));
            }
        }
        Poll::Pending
    })
    .await
}
