//! Runs a client of this crate for the scenarios, on the caller's executor.

use http::{HeaderName, Method};
use sse_async_std::{Error, Event, EventSource};

#[path = "../../../tests/scenarios/mod.rs"]
mod scenarios;

pub(crate) use scenarios::{Ask, Seen};
use scenarios::{build, tell};

/// Follows a client whose items `next` waits for.
pub(crate) fn follow(
    ask: &Ask,
    seen: &mut dyn FnMut(Seen) -> bool,
    next: fn(&mut EventSource) -> Option<Result<Event, Error>>,
) {
    let mut source = build!(ask, EventSource, Method, HeaderName);
    tell(seen, || {
        let item = next(&mut source)?;
        Some(Seen::of(item, |head| (head.status.as_u16(), head.headers), |error| error.reason().unwrap()))
    });
}
