//! Follows a stream and prints the lines of `sse tail --json`:
//! `cargo run -p sse-blocking --features rustls --example follow -- http://127.0.0.1:8080/events [--post DATA]`
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use sse_blocking::http::Method;
use sse_blocking::{Error, EventSource};

mod lines;

fn open(url: String, data: Option<String>) -> Result<EventSource, Error> {
    let Some(data) = data else { return EventSource::get(url) };
    EventSource::builder(url)
        .method(Method::POST)
        .header("content-type", "application/json")
        .body(data)
        .build()
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (url, data) = lines::arguments()?;
    let mut source = open(url, data)?;
    for event in source.by_ref() {
        match event {
            Ok(event) => lines::event(&event),
            Err(error) => return Ok(lines::closed(Some(&error), error.reason())),
        }
    }
    Ok(lines::closed::<()>(None, source.close_reason()))
}
