//! Follows a stream and prints the lines of `sse tail --json`:
//! `cargo run -p sse-tokio --example follow -- http://127.0.0.1:8080/events [--post DATA]`
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use futures_util::StreamExt;
use sse_tokio::EventSource;
use sse_tokio::reqwest::Method;

mod lines;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (url, data) = lines::arguments()?;
    let mut builder = EventSource::builder(url);
    if let Some(data) = data {
        builder = builder.method(Method::POST).header("content-type", "application/json").body(data);
    }
    let mut source = builder.build()?;
    while let Some(event) = source.next().await {
        match event {
            Ok(event) => lines::event(&event),
            Err(error) => return Ok(lines::closed(Some(&error), error.reason())),
        }
    }
    Ok(lines::closed::<()>(None, source.close_reason()))
}
