//! A custom transport, async: the client over a pipe in memory.
//! `cargo run -p sse-proto --features stream --example pipe`
//!
//! An embedder supplies four things, a connection and its body, a sleep and a clock; the driver is
//! the client.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::thread;

use futures_channel::{mpsc, oneshot};
use futures_util::future::{BoxFuture, FutureExt};
use sse_proto::{
    ClientEvent, Config, Driver, Epoch, ErrorKind, EventBuilder, EventSource, Instant, Request, ResponseHead,
    Timer, Transport,
};

/// The server at the other end. It knows three tokens, sends one after the ID it is given, and
/// breaks off.
fn serve(last_event_id: Option<&str>, body: &mpsc::UnboundedSender<Result<String, &'static str>>) -> u16 {
    let next: usize = last_event_id.map_or(0, |id| id.parse().unwrap_or(0));
    let Some(token) = ["Hel", "lo, ", "world\n"].get(next) else { return 204 };
    let id = (next + 1).to_string();
    let event = EventBuilder::new().id(&id).expect("digits are an ID").data(token).encode();
    let (first, second) = event.split_at(7);
    for chunk in [Ok(first.into()), Ok(second.into()), Err("the pipe broke")] {
        body.unbounded_send(chunk).expect("the receiver is still ours");
    }
    200
}

struct Pipe(Epoch);

impl Timer for Pipe {
    type Sleep = BoxFuture<'static, ()>;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        let (sender, over) = oneshot::channel();
        let delay = deadline.saturating_duration_since(self.now());
        thread::spawn(move || {
            thread::sleep(delay);
            sender.send(())
        });
        over.map(drop).boxed()
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl Transport for Pipe {
    type Head = u16;
    type Body = mpsc::UnboundedReceiver<Result<String, &'static str>>;
    type Chunk = String;
    type Error = &'static str;
    type Connect = std::future::Ready<Result<(u16, Self::Body), &'static str>>;

    fn connect(&mut self, request: Request<'_>) -> Self::Connect {
        let (sender, body) = mpsc::unbounded();
        std::future::ready(Ok((serve(request.last_event_id, &sender), body)))
    }

    fn head(status: &u16) -> ResponseHead<'_> {
        ResponseHead::new(*status, [("content-type", "text/event-stream")])
    }

    fn error_kind(_: &&'static str) -> ErrorKind {
        ErrorKind::Retryable
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        let clock = self.0;
        Arc::new(move || clock.now())
    }
}

fn main() {
    let mut driver = Driver::new(EventSource::new(Config::default(), 42), Pipe(Epoch::default()));
    futures_executor::block_on(async {
        while let Some(event) = driver.next().await {
            match event {
                Ok(ClientEvent::Message(event)) => print!("{}", event.data),
                Ok(ClientEvent::Disconnected { cause, .. }) => {
                    print!("[{}] ", cause.error().unwrap_or(&"ended"));
                }
                Ok(_) => {}
                Err(closed) => println!("{}", closed.reason),
            }
        }
    });
}
