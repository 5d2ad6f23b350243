//! Follows a stream: `cargo run -p sse-async-std --example tail -- http://127.0.0.1:8080/events`
//!
//! The executor is futures-lite's, which is a thread that waits: nothing here needs async-std or smol.
#![allow(clippy::print_stdout)]

use futures_lite::StreamExt;
use futures_lite::future::block_on;
use sse_async_std::{Event, EventSource};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: tail URL")?;
    let mut source = EventSource::get(url)?;
    block_on(async {
        while let Some(event) = source.try_next().await? {
            match event {
                Event::Open(head) => println!("* open, status {}", head.status),
                Event::Message(message) => println!("{}: {}", message.event(), message.data()),
                Event::Disconnected { cause, delay, .. } => println!("* {cause}, again in {delay:?}"),
                _ => {}
            }
        }
        Ok(())
    })
}
