//! The client machine without std, without libc, without a growing heap. Start it with `cargo run`
//! in this directory.
//!
//! It is a model of firmware: `core`, `alloc` over a fixed arena, and three system calls in place
//! of a device's drivers. That it links without std proves that no dependency needs an operating
//! system.
//!
//! The transport is the standard input: a stream of events, read into a buffer of 64 bytes.
//!
//! ```sh
//! printf 'id: 1\ndata: 21.5\n\nid: 2\ndata: 21.6\n\ndata: lost' | cargo run --release
//! ```
#![no_std]
#![no_main]

extern crate alloc;

use core::time::Duration;

use sse_proto::{Config, EventSource, Frame, Instant, Limits, Output, ReconnectPolicy, ResponseHead};

mod sys;

fn main() {
    // Standard input comes once.
    let config = Config::default().with_limits(Limits::default().with_event(256)).with_policy(ReconnectPolicy::never());
    let mut source = EventSource::new(config, 0x5eed);
    let mut ticks = 0;
    let mut buffer = [0; 64];
    let (mut read, mut filled) = (0, 0);
    loop {
        ticks += 1;
        let mut input = &buffer[read..filled];
        let output = source.poll(Instant::from_epoch(Duration::from_millis(ticks)), &mut input);
        read = filled - input.len();
        match output {
            Output::Connect { .. } => {
                source.handle_response(ResponseHead::new(200, [("content-type", "text/event-stream")]));
            }
            Output::NeedData { .. } => {
                read = 0;
                filled = sys::read(&mut buffer);
                if filled == 0 {
                    source.handle_eof();
                }
            }
            Output::Frame(Frame::Event(event)) => {
                for text in [event.id, ": ", event.data, "\n"] {
                    sys::write(text);
                }
            }
            Output::Closed(_) => break sys::write("closed\n"),
            _ => {}
        }
    }
}
