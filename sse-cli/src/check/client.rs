//! `sse check --client`: tests clients in any language.
//!
//! A client is a command that opens a URL. For every scenario it gets its own server on loopback,
//! which checks the client's requests, their headers and times, and whether the client reconnects.
//! A client that prints its events as JSON (`--events json`) is also tested with every parse case.

mod case;
mod command;
mod events;
mod judge;
mod result;
mod scenario;
mod server;

pub(super) use command::{Template, feed};
pub(super) use events::{of_line, parsed};
pub(super) use scenario::{Event, same};

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Arguments;
use crate::failure::{FAILED, Failure, USAGE};
use result::{Outcome, Summary};

/// Runs the selected scenarios against the client that the arguments name.
pub(super) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prints = arguments.events.is_some();
    let mut scenarios = scenario::all();
    if prints {
        scenarios.extend(case::all());
    }
    scenarios.retain(|scenario| {
        let named =
            arguments.filter.is_empty() || arguments.filter.iter().any(|part| scenario.name.contains(part));
        named && arguments.section.as_ref().is_none_or(|section| scenario.section.starts_with(section))
    });
    if arguments.list {
        for scenario in &scenarios {
            println!("{:9} {:50} {}", scenario.section, scenario.name, scenario.rule);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if scenarios.is_empty() {
        return Err(Failure::Other {
            message: "no scenario has such a name or section; --list names all".into(),
            code: USAGE,
        });
    }
    let template = Arc::new(Template::new(&arguments.command)?);
    let patience = arguments.patience.unwrap_or(Duration::from_secs(4));
    let outcomes: Vec<Outcome> = stream::iter(scenarios)
        .map(|scenario| {
            let template = Arc::clone(&template);
            async move { judge::judge(&scenario, &template, patience, prints).await }
        })
        .buffered(arguments.jobs.max(1))
        .collect()
        .await;
    let summary = Summary::new(template.shown(), outcomes);
    if let Some(path) = &arguments.junit {
        std::fs::write(path, summary.junit())
            .map_err(|error| Failure::new(FAILED, path.display(), &error))?;
    }
    if arguments.json {
        summary.print_json()?
    } else {
        summary.print_text()?
    }
    Ok(if summary.failed == 0 { ExitCode::SUCCESS } else { FAILED.into() })
}
