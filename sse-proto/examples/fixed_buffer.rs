//! The client on a device: a fixed buffer, ticks for time, a modem for the network.
//! `cargo run -p sse-proto --example fixed_buffer`
//!
//! Everything but `main` and the pretended modem needs only `core` and `alloc`;
//! `examples/bare-metal` links the same loop without std.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use sse_proto::{Config, EventSource, Frame, Instant, Limits, Output, ReconnectPolicy, ResponseHead};

/// A modem that speaks HTTP, as some do: it gives the status, then the body in pieces.
struct Modem {
    ticks: u32,
    responses: std::vec::IntoIter<(u16, Vec<&'static [u8]>)>,
    body: std::vec::IntoIter<&'static [u8]>,
}

impl Modem {
    fn request(&mut self, _last_event_id: Option<&str>) -> u16 {
        let (status, body) = self.responses.next().unwrap_or((204, Vec::new()));
        self.body = body.into_iter();
        status
    }

    /// Fills the buffer; 0 is the end of the body.
    fn receive(&mut self, buffer: &mut [u8]) -> usize {
        let piece = self.body.next().unwrap_or_default();
        buffer[..piece.len()].copy_from_slice(piece);
        piece.len()
    }
}

fn main() {
    let responses = vec![
        (200, vec![&b"id: 1\ndata: 21.5 "[..], b"degrees\n\nid: 2\ndata: 21."]),
        (200, vec![b"id: 2\ndata: 21.6 degrees\n\n"]),
    ];
    let mut modem = Modem { ticks: 0, responses: responses.into_iter(), body: Vec::new().into_iter() };
    // No event of this feed is longer, so the memory for one is never more than about that.
    let config = Config::default()
        .with_limits(Limits::default().with_event(256))
        .with_policy(ReconnectPolicy::default().with_initial(Duration::from_secs(5)));
    let mut source = EventSource::new(config, 0x5eed);
    let mut buffer = [0; 64];
    let (mut read, mut filled) = (0, 0);
    loop {
        // A tick is a millisecond.
        let now = Instant::from_epoch(Duration::from_millis(modem.ticks.into()));
        let mut input = &buffer[read..filled];
        let output = source.poll(now, &mut input);
        read = filled - input.len();
        match output {
            Output::Connect { request, .. } => {
                let status = modem.request(request.last_event_id);
                source.handle_response(ResponseHead::new(status, [("content-type", "text/event-stream")]));
            }
            Output::NeedData { .. } => {
                read = 0;
                filled = modem.receive(&mut buffer);
                if filled == 0 {
                    source.handle_eof();
                }
            }
            // A device sleeps until then, a tick too long rather than too short; this one turns the
            // clock.
            Output::Wait(until) => {
                modem.ticks = until.unwrap_or(now).since_epoch().as_nanos().div_ceil(1_000_000) as u32;
            }
            Output::Frame(Frame::Event(event)) => {
                println!("{} ms: {} (id {})", modem.ticks, event.data, event.id)
            }
            Output::Disconnected { cause, delay, .. } => {
                println!("{} ms: {cause}, again in {delay:?}", modem.ticks)
            }
            Output::Closed(reason) => break println!("{} ms: {reason}", modem.ticks),
            Output::Open | Output::Frame(_) => {}
        }
    }
}
