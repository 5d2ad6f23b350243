//! The suite of both packages, which is about `reqwest_eventsource`: the name that users give the
//! package.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

extern crate sse_reqwest_eventsource_013 as reqwest_eventsource;

#[path = "suite/client.rs"]
mod client;
#[path = "suite/retry.rs"]
mod retry;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/surface.rs"]
mod surface;
