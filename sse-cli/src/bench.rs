//! `sse bench`: measures a hub, or with `--parse` the parser.

mod arguments;
mod load;
mod parse;
mod progress;
mod report;
mod target;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub(crate) use arguments::Arguments;

use crate::failure::{FAILED, Failure, REFUSED};
use load::{ConnectError, Publish, Subscribers, Usage};
use progress::Progress;
use report::{Report, Server};

/// Runs `sse bench`: the measurement of a hub or of the parser.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.parse.is_given()? {
        return parse::run(&arguments.parse, arguments.seconds, arguments.json);
    }
    let setup = arguments.setup()?;
    let stop = stop()?;
    let mut progress = Progress::new(&setup, stop, !arguments.json);
    let usage = || {
        let failed = |error| Failure::new(FAILED, "--pid: cannot read the process", &error);
        Usage::sum(&arguments.pid).map_err(failed)
    };
    let (before, start) = (usage()?, Instant::now());
    let mut subscribers =
        Subscribers::connect(&setup.target, setup.subscribers, setup.plan.patience, &mut progress)
            .map_err(|error| refused(&error))?;
    let (connected, connect_time) = (subscribers.len(), start.elapsed());
    let mut publisher = setup.publisher();
    if let Some(publisher) = &mut publisher {
        probe(&mut subscribers, &setup, publisher, &mut progress)?;
    }
    let idle = usage()?;
    let generator = own_cpu();
    progress.measure();
    let publish = publisher.as_mut().map(|publisher| publisher as &mut dyn Publish);
    let turn = subscribers
        .run(&setup.plan, publish, &mut progress)
        .map_err(|error| Failure::new(FAILED, "cannot wait for sockets", &error))?;
    progress.finish();
    let after = usage()?;
    let report = Report {
        url: &setup.url,
        wanted: setup.subscribers,
        connected,
        connect_time,
        plan: &setup.plan,
        publishes: setup.publish.is_some(),
        turn: &turn,
        generator_cpu: own_cpu().zip(generator).map(|(after, before)| after - before),
        server: (!arguments.pid.is_empty()).then_some(Server { before, idle, after }),
    };
    report.print(arguments.json)?;
    if let Some(message) = turn.failure {
        return Err(Failure::Other { message, code: FAILED });
    }
    Ok(if report.faults().is_empty() { ExitCode::SUCCESS } else { FAILED.into() })
}

/// Publishes one event, which shows that the subscribers follow the published topic, and that their
/// subscriptions have begun: some hubs send the response head earlier.
fn probe(
    subscribers: &mut Subscribers,
    setup: &arguments::Setup,
    publisher: &mut dyn Publish,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let plan = load::Plan { pace: load::Pace::Closed { in_flight: 1 }, burst: 1, bursts: 1, ..setup.plan };
    let turn = subscribers
        .run(&plan, Some(publisher), progress)
        .map_err(|error| Failure::new(FAILED, "cannot wait for sockets", &error))?;
    let message = match turn.failure {
        Some(message) => message,
        None if turn.deliveries == 0 && turn.published > 0 && turn.cut == 0 && !progress.is_stopped() => {
            "the first event reached no subscriber: does --publish publish what the URL follows?".to_owned()
        }
        None => return Ok(()),
    };
    Err(Failure::Other { message, code: FAILED })
}

fn refused(error: &ConnectError) -> Failure {
    let code = match error {
        ConnectError::Refused { .. } => REFUSED,
        ConnectError::Failed { .. } => FAILED,
    };
    Failure::Other { message: error.to_string(), code }
}

fn own_cpu() -> Option<f64> {
    Usage::of("self").ok().map(|usage| usage.cpu_seconds)
}

/// Returns a flag that becomes true at Ctrl-C; a second Ctrl-C ends the program.
fn stop() -> Result<Arc<AtomicBool>, Failure> {
    let requested = crate::tail::stop::requested()
        .map_err(|error| Failure::new(FAILED, "signals cannot be handled", &error))?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let listen = move || flag.store(requested.blocking_recv().is_ok(), Ordering::Relaxed);
    std::thread::Builder::new()
        .name("stop".into())
        .spawn(listen)
        .map_err(|error| Failure::new(FAILED, "cannot start a thread", &error))?;
    Ok(stop)
}
