//! `sse parse`: prints the events of a captured stream.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::Style;
use clap::Args;
use proto::{Finish, Frame, Parser};

use crate::failure::{FAILED, Failure};
use crate::input::{Chunk, Input};
use crate::limits::LimitArguments;
use crate::output::{Form, Look, Output, Printer};

/// Print the events of a captured stream
///
/// Reads a stream that `curl -N`, `sse tail --raw` or a packet capture saved, or a recording of
/// `sse tail --record`, and prints its events, comments and reconnection times to standard output.
///
/// Exit codes: 0 if the stream was read, even if it ends in the middle of an event; 1 if it cannot
/// be read, or an event exceeds a limit.
#[derive(Args)]
pub(crate) struct Arguments {
    /// File with the stream; - or no file means standard input
    file: Option<PathBuf>,

    /// Print one JSON object per line: {"kind": "event", "event", "data", "id"}, with "json" if the
    /// data is JSON; {"kind": "comment", "data"}; {"kind": "retry", "delay_ms"}
    #[arg(long)]
    json: bool,

    /// Print the last event even if its blank line is missing
    #[arg(long)]
    lenient: bool,

    #[command(flatten)]
    limits: LimitArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (mut input, name) = Input::open(arguments.file.as_deref())?;
    let failed = |error: &(dyn Error + 'static)| Failure::new(FAILED, &name, error);
    let form = if arguments.json { Form::Json } else { Form::Text };
    let look = Look { form, null: false, urls: false, timestamps: false, asides: true };
    let mut printer = Printer::new(look, Output::stdout());
    let mut parser =
        Parser::new().with_deliver_unterminated(arguments.lenient).with_limits(arguments.limits.limits());
    let mut bytes = 0;
    while let Some(chunk) = input.next().map_err(|error| failed(&error))? {
        let Chunk::Bytes(chunk) = chunk else {
            finish(&mut parser, &mut printer, arguments)?;
            let id = parser.last_event_id().to_owned();
            parser = Parser::with_last_event_id(id)
                .with_deliver_unterminated(arguments.lenient)
                .with_limits(arguments.limits.limits());
            continue;
        };
        bytes += chunk.len() as u64;
        let mut rest = &chunk[..];
        loop {
            match parser.next_frame(&mut rest) {
                Ok(Some(Frame::Event(event))) => printer.event(None, event)?,
                Ok(Some(Frame::Comment(comment))) => printer.comment(None, comment)?,
                Ok(Some(Frame::Retry(time))) => printer.retry(None, time)?,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    printer.flush()?;
                    return Err(failed(&error));
                }
            }
        }
        // The writer of a pipe may be slow, so earlier events are printed first.
        printer.flush()?;
    }
    finish(&mut parser, &mut printer, arguments)?;
    printer.summary(bytes, None)?;
    Ok(ExitCode::SUCCESS)
}

/// Handles the end of the stream, or of one connection of a recording.
fn finish(parser: &mut Parser, printer: &mut Printer, arguments: &Arguments) -> io::Result<()> {
    match parser.finish() {
        Finish::Complete => Ok(()),
        Finish::Flushed(event) => printer.event(None, event),
        Finish::Dropped => {
            let advice = if arguments.lenient { "" } else { "; --lenient prints it if it has data" };
            printer.note(
                Style::new(),
                format_args!(
                    "the stream ended in the middle of an event, which was discarded as incomplete{advice}"
                ),
            )
        }
    }
}
