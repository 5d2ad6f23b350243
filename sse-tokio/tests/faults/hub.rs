//! A hub that publishes numbers, forgets and restarts at random by seed; and the check of what came
//! of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt;
use sse_hub::{EventBuilder, GAP_EVENT, Hub, HubConfig, LastEventId, Topic};
use sse_hub::{HistoryLimits, OnLag};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::proxy::Random;

const EVENTS: u64 = 40;

/// The current topic; a restarted hub has another one.
type Current = Arc<Mutex<Topic>>;

/// Starts a hub that publishes with waits of up to `pause` milliseconds; returns the ID to begin
/// after.
pub async fn start(mut random: Random, pause: usize) -> (SocketAddr, String) {
    let history = [4, 16, 4096][random.below(3)];
    let on_lag = [OnLag::SendGap, OnLag::Disconnect][random.below(2)];
    let first = topic(history, on_lag);
    let start = first.publish(EventBuilder::new().data("start")).await.unwrap();
    let current: Current = Arc::new(Mutex::new(first));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(events)).with_state(Arc::clone(&current));
    // Small writes that wait for an acknowledgement would take real time, while a paused clock runs
    // on.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    tokio::spawn(publish(current, random, pause, move || topic(history, on_lag)));
    (address, start)
}

async fn events(State(topic): State<Current>, id: LastEventId) -> impl IntoResponse {
    let topic = topic.lock().unwrap().clone();
    topic.subscribe(&id).await.unwrap()
}

/// One line or several, with characters that a cut can split.
fn data(number: u64) -> String {
    let filler = ["", "\n", "é…\u{1f600}", "\n\nid: x\ndata: y", "a longer text that fills some chunks\n"];
    format!("{number} {}", filler[(number % 5) as usize].repeat((number * 7 % 11) as usize))
}

fn topic(history: usize, on_lag: OnLag) -> Topic {
    let config = HubConfig::default()
        .with_history(HistoryLimits::new().with_events(history))
        .with_keep_alive(Duration::from_secs(2))
        .with_retry(Duration::from_millis(100))
        .with_on_lag(on_lag);
    Hub::new(config).topic("t").unwrap()
}

async fn publish(current: Current, mut random: Random, pause: usize, restarted: impl Fn() -> Topic) {
    let restart_at = match random.below(4) {
        0 => 1 + random.below(EVENTS as usize - 1) as u64,
        _ => EVENTS,
    };
    let pause = [1, 1 + pause / 20, pause][random.below(3)];
    for number in 0..EVENTS {
        if number == restart_at {
            *current.lock().unwrap() = restarted();
        }
        let topic = current.lock().unwrap().clone();
        topic.publish(EventBuilder::new().data(&data(number))).await.unwrap();
        sleep(Duration::from_millis(random.below(pause) as u64)).await;
    }
}

/// The numbers that a client has received.
#[derive(Debug, Default)]
pub struct Received {
    /// The next one; after a gap of unknown size it is that one or a later one.
    next: u64,
    unknown: bool,
    /// The number of events reported as missing.
    pub missed: u64,
    /// Gaps of unknown size: the hub was restarted.
    pub restarts: u32,
}

impl Received {
    /// Checks that the event is the next number, whole, or a gap.
    pub fn event(&mut self, event: &str, text: &str, seed: u64) {
        if event == GAP_EVENT {
            let missed = text.strip_prefix(r#"{"missed":"#).unwrap().strip_suffix('}').unwrap();
            if let Ok(missed) = missed.parse::<u64>() {
                self.next += missed;
                self.missed += missed;
            } else {
                assert_eq!(missed, "null", "seed {seed}");
                self.unknown = true;
                self.restarts += 1;
            }
            return;
        }
        let number = text.split(' ').next().unwrap().parse::<u64>();
        let number = number.unwrap_or_else(|_| panic!("seed {seed}: {text:?} in place of {}", self.next));
        let follows = number == self.next || self.unknown && number > self.next;
        assert!(follows, "seed {seed}: {number} in place of {}", self.next);
        assert_eq!(text, data(number), "seed {seed}");
        (self.next, self.unknown) = (number + 1, false);
    }

    /// Whether the last one came.
    pub fn all(&self) -> bool {
        assert!(self.next <= EVENTS, "gaps beyond the last event: {self:?}");
        self.next == EVENTS
    }
}
