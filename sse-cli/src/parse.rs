//! `sse parse`: a captured stream, read without a server.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::Style;
use clap::Args;
use proto::{Finish, Frame, Parser};

use crate::failure::{FAILED, Failure};
use crate::output::{Format, Printer};

/// Print the events of a captured stream
///
/// Reads text/event-stream as `curl -N`, `sse tail --raw` or a packet capture leave it, and prints events, comments and
/// reconnection times as `sse tail` does.
///
/// Exit codes: 0, also if the stream ends inside of an event; 1 if it cannot be read, or an event is longer than 16 MiB or an ID
/// than 4 KiB.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The stream; standard input if it is `-` or missing
    file: Option<PathBuf>,

    /// Print one JSON object a line: {"kind": "event", "event", "data", "id"}, {"kind": "comment", "data"},
    /// {"kind": "retry", "delay_ms"}
    #[arg(long)]
    json: bool,

    /// Print the last event also if the blank line after it is missing
    #[arg(long)]
    lenient: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (mut input, name): (Box<dyn Read>, _) = match &arguments.file {
        Some(path) if path.as_os_str() != "-" => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| Failure::new(FAILED, &name, &error))?;
            (Box::new(file), name)
        }
        _ => (Box::new(io::stdin()), "standard input".to_owned()),
    };
    let mut printer = Printer::new(if arguments.json { Format::Json } else { Format::Text });
    let mut parser = Parser::new().with_flush(arguments.lenient);
    let mut bytes = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::new(FAILED, name, &error)),
        };
        bytes += read as u64;
        let mut rest = &buffer[..read];
        loop {
            match parser.next_frame(&mut rest) {
                Ok(Some(Frame::Event(event))) => printer.event(event)?,
                Ok(Some(Frame::Comment(comment))) => printer.comment(comment)?,
                Ok(Some(Frame::Retry(time))) => printer.retry(time)?,
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    printer.flush()?;
                    return Err(Failure::new(FAILED, name, &error));
                }
            }
        }
        // What feeds a pipe may be in no hurry.
        printer.flush()?;
    }
    match parser.finish() {
        Finish::Complete => {}
        Finish::Flushed(event) => printer.event(event)?,
        Finish::Dropped => {
            let advice = if arguments.lenient { "" } else { "; --lenient prints it if it has data" };
            printer.note(
                Style::new(),
                format_args!("the stream ends inside of an event, which does not count{advice}"),
            )?;
        }
    }
    printer.summary(bytes, None)?;
    Ok(ExitCode::SUCCESS)
}
