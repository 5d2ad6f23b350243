//! Follows a stream: `cargo run -p sse-tokio --example follow -- http://127.0.0.1:8080/events`
#![allow(clippy::print_stdout)]

use futures_util::TryStreamExt;
use sse_tokio::{Event, EventSource};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: follow URL")?;
    let mut source = EventSource::get(url)?;
    while let Some(event) = source.try_next().await? {
        match event {
            Event::Open(head) => println!("* open, status {}", head.status),
            Event::Message(message) => println!("{}: {}", message.event(), message.data()),
            Event::Disconnected { cause, delay, .. } => println!("* {cause}, again in {delay:?}"),
            _ => {}
        }
    }
    Ok(())
}
