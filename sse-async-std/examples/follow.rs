//! Follows a stream and prints the lines of `sse tail --json`:
//! `cargo run -p sse-async-std --example follow -- http://127.0.0.1:8080/events [--post DATA]`
//!
//! The executor is futures-lite's, which is a thread that waits: nothing here needs async-std or
//! smol.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::process::ExitCode;

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use sse_async_std::EventSource;
use sse_async_std::http::Method;

mod lines;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (url, data) = lines::arguments()?;
    let request = EventSource::builder(url);
    let request = match data {
        None => request,
        Some(data) => request.method(Method::POST).header("content-type", "application/json").body(data),
    };
    let mut source = request.build()?;
    block_on(async {
        loop {
            match source.next().await {
                Some(Ok(event)) => lines::event(&event),
                Some(Err(error)) => return Ok(lines::closed(Some(&error), error.reason())),
                None => return Ok(lines::closed::<()>(None, source.close_reason())),
            }
        }
    })
}
