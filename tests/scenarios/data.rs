//! The scenarios of `sse-proto/tests/data/scenarios.json`, as `sse check --client` runs them
//! against any client.
//!
//! What stands as code beside them needs what data does not have: settings of the client, a `POST`,
//! a real reset or a silence, what the client says of a loss, or many forms of one header.

use std::iter::repeat_with;

use sse_test::scenario::{self, Event, Scenario, Then, Timing, same};
use sse_test::{Reply, Server};

use super::{Seen, all, ask};

#[test]
fn every_scenario_of_sse_check_holds() {
    let failures: Vec<_> = scenario::all().iter().filter_map(failure).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Describes how this project's client differs from a correct one; `None` if it does not.
fn failure(scenario: &Scenario) -> Option<String> {
    let wire = scenario.replies.iter().map(|reply| Reply::raw(reply.pieces().concat()));
    // A client that reconnects once more gets a 204, which ends it.
    let server = Server::play(wire.chain(repeat_with(Reply::no_content).take(2)));
    let seen = all(&ask(server.url("/")));
    let events: Vec<_> = seen.iter().filter_map(event).collect();
    let requests: Vec<_> = server.received().iter().map(sse_test::Request::of_scenario).collect();
    let checked = scenario.check(&requests, Timing::AtLeast);
    let expected = scenario.events.as_ref().filter(|expected| !same(expected, &events));
    let wrong =
        checked.err().or_else(|| expected.map(|expected| format!("{events:?} in place of {expected:?}")));
    // A client that has ended does not come back; a right one ends with the last expected request.
    let more = scenario.then == Then::Ends && requests.len() != scenario.requests.len();
    let wrong = wrong.or_else(|| more.then(|| format!("{} requests", requests.len())))?;
    Some(format!("{}: {wrong}; it said {seen:?}", scenario.name))
}

fn event(item: &Seen) -> Option<Event> {
    match item {
        Seen::Event { event, data, id } => {
            Some(Event { event: event.clone(), data: data.clone(), id: Some(id.clone()) })
        }
        _ => None,
    }
}
