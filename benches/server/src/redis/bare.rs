//! Publishing to Redis without a hub: the call that a hub sends, sent again.

use std::sync::Arc;

use futures_util::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd};
use sse_hub::{EventBuilder, Hub};

/// The topic whose publish is captured; its name stands for those of others.
const NAME: &str = "captured-topic";

/// The `EVALSHA` that a hub sends to publish, with its arguments.
pub struct Call(Vec<Vec<u8>>);

impl Call {
    /// Has a hub publish these events, and keeps what it sends.
    pub async fn capture(hub: &Hub, client: &Client, events: &[EventBuilder<'_>]) -> Self {
        let monitor = client.get_async_monitor().await.expect("the server is there");
        let mut lines = monitor.into_on_message::<String>();
        hub.topic(NAME).expect("below the limit").publish_all(events).await.expect("the server is there");
        loop {
            let line = lines.next().await.expect("it goes on");
            let words = words(&line);
            let is_call = words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"evalsha"));
            if is_call && line.contains(NAME) {
                return Self(words);
            }
        }
    }

    /// The call for another topic.
    pub fn to(&self, topic: &str) -> Cmd {
        let mut call = Cmd::new();
        for word in &self.0 {
            match str::from_utf8(word) {
                Ok(text) => call.arg(text.replace(NAME, topic)),
                Err(_) => call.arg(word),
            };
        }
        call
    }
}

/// Publishes to topics in turn.
#[derive(Clone)]
pub struct Bare {
    connection: MultiplexedConnection,
    calls: Arc<[Cmd]>,
}

impl Bare {
    /// Publishes by `call` to topics with these names.
    pub async fn new(client: &Client, call: &Call, names: &[String]) -> Self {
        let connection = client.get_multiplexed_async_connection().await.expect("the server is there");
        Self { connection, calls: names.iter().map(|name| call.to(name)).collect() }
    }

    /// Publishes to one of the first `topics`.
    pub async fn publish(mut self, at: usize, topics: usize) {
        let call = &self.calls[at % topics];
        call.query_async::<redis::Value>(&mut self.connection).await.expect("the server is there");
    }
}

/// The quoted words of a line of `MONITOR`.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut bytes = line.bytes();
    while bytes.by_ref().any(|byte| byte == b'"') {
        let mut word = Vec::new();
        while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
            word.push(match byte {
                b'\\' => escaped(&mut bytes),
                byte => byte,
            });
        }
        words.push(word);
    }
    words
}

/// The byte that stands after a backslash.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    let mut next = || bytes.next().expect("an escape is whole");
    match next() {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'x' => {
            let digits = [next(), next()];
            let digits = str::from_utf8(&digits).expect("two digits");
            u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
        }
        byte => byte,
    }
}
