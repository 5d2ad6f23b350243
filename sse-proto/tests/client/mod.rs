//! An `EventSource` in virtual time, whose outputs are formatted as short texts for scripts.

#![allow(dead_code, unreachable_pub, reason = "each target uses a part")]

use std::time::Duration;

use sse_proto::{
    Config, ErrorKind, EventSource, Frame, Instant, Jitter, Output, ReconnectPolicy, ResponseHead, Verdict,
};

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The default without jitter, with a head timeout of 30 s: waits of 1, 2, 4, .. 30 s.
pub fn config() -> Config {
    Config::default().with_policy(policy()).with_head_timeout(secs(30))
}

pub fn policy() -> ReconnectPolicy {
    ReconnectPolicy::default().with_jitter(Jitter::None)
}

/// The head of a response that is accepted.
pub fn ok() -> ResponseHead<'static> {
    ResponseHead::new(200, [("content-type", "text/event-stream")])
}

pub struct Client {
    pub source: EventSource,
    pub now: Instant,
}

impl Client {
    pub fn new(config: Config) -> Self {
        Self { source: EventSource::new(config, 1), now: Instant::from_epoch(secs(1000)) }
    }

    /// A client that has connected.
    pub fn open(config: Config) -> Self {
        let mut client = Self::new(config);
        client.connect();
        client
    }

    /// The next output, without bytes.
    pub fn poll(&mut self) -> String {
        let start = Instant::from_epoch(secs(1000));
        words(&self.source.poll(self.now, &mut &[][..]), start)
    }

    /// Answers the request, which has to be due.
    pub fn connect(&mut self) {
        let request = self.poll();
        assert!(request.starts_with("connect"), "{request}");
        self.source.handle_verdict(Verdict::Open);
        assert_eq!(self.poll(), "open");
    }

    /// All that follows from a chunk, up to the `NeedData` or whatever else asks for something.
    pub fn read(&mut self, chunk: &str) -> Vec<String> {
        let mut input = chunk.as_bytes();
        let mut said = Vec::new();
        loop {
            let output = self.source.poll(self.now, &mut input);
            said.push(words(&output, Instant::from_epoch(secs(1000))));
            match output {
                Output::NeedData { .. } | Output::Disconnected { .. } | Output::Closed(_) => return said,
                _ => {}
            }
        }
    }

    /// Breaks the connection off, and says what the client says to that.
    pub fn lose(&mut self) -> String {
        self.source.handle_error(ErrorKind::Retryable);
        self.poll()
    }

    pub fn sleep(&mut self, duration: Duration) {
        self.now += duration;
    }
}

/// Points in time are given as the time since `start`.
fn words(output: &Output<'_>, start: Instant) -> String {
    let until = |until: &Option<Instant>| match until {
        Some(until) => format!("until {:?}", until.saturating_duration_since(start)),
        None => "for ever".into(),
    };
    match output {
        Output::Connect { request, deadline } => format!(
            "connect {} id {} {}",
            request.attempt,
            request.last_event_id.unwrap_or("-"),
            until(deadline)
        ),
        Output::NeedData { deadline } => format!("read {}", until(deadline)),
        Output::Wait(time) => format!("wait {}", until(time)),
        Output::Open => "open".into(),
        Output::Frame(Frame::Event(event)) => {
            format!("event {} {:?} id {}", event.event, event.data, event.id)
        }
        Output::Frame(Frame::Comment(text)) => format!("comment {text}"),
        Output::Frame(Frame::Retry(time)) => format!("retry {time:?}"),
        Output::Frame(Frame::Skipped { bytes }) => format!("skipped {bytes}"),
        Output::Frame(_) => "something new".into(),
        Output::Disconnected { cause, attempt, delay } => {
            format!("lost {cause:?}, attempt {attempt} in {delay:?}")
        }
        Output::Closed(reason) => format!("closed {reason:?}"),
    }
}
