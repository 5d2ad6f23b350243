//! 50 clients of this project, and the check of what each received.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_tokio::{Config, Event, EventSource, ReconnectPolicy};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::{PATIENCE, Shared};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Event(u64),
    Gap(Option<u64>),
}

pub struct Followers {
    received: Vec<Shared<Vec<Received>>>,
    _tasks: JoinSet<()>,
}

impl Followers {
    /// Starts clients and waits until each is connected.
    pub async fn start(count: usize, ports: [u16; 2]) -> Self {
        let opened = Arc::new(Semaphore::new(0));
        let mut tasks = JoinSet::new();
        let received = (0..count).map(|_| Shared::default()).collect::<Vec<_>>();
        for (client, received) in received.iter().enumerate() {
            tasks.spawn(follow(client, ports, Arc::clone(received), Arc::clone(&opened)));
        }
        let all = opened.acquire_many(count as u32);
        timeout(PATIENCE, all).await.expect("all clients connect").unwrap().forget();
        Self { received, _tasks: tasks }
    }

    /// The events that each client has received, once all have the last event.
    pub async fn all_have(self, last: u64) -> Vec<Vec<Received>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let received: Vec<_> =
                self.received.iter().map(|received| received.lock().unwrap().clone()).collect();
            let missing = received.iter().position(|received| !received.contains(&Received::Event(last)));
            let Some(missing) = missing else { return received };
            assert!(
                Instant::now() < deadline,
                "client {missing} does not get event {last}; its last are {:?}",
                received[missing].iter().rev().take(5).collect::<Vec<_>>()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Follows the topic at one node, and after each failure at the other.
async fn follow(client: usize, ports: [u16; 2], received: Arc<Mutex<Vec<Received>>>, opened: Arc<Semaphore>) {
    let config = Config::default()
        .with_policy(ReconnectPolicy::default().with_max(Duration::from_millis(500)))
        .with_idle_timeout(Duration::from_secs(4))
        .with_retry_status(Config::TRANSIENT_STATUS);
    let turn = std::sync::atomic::AtomicUsize::new(client);
    let mut source = EventSource::builder("http://127.0.0.1/events/t")
        .config(config)
        .client(reqwest::Client::builder().no_proxy().build().unwrap())
        .on_request(move |mut request, _| {
            let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            *request.uri_mut() = format!("http://127.0.0.1:{}/events/t", ports[turn % 2]).parse().unwrap();
            async move { Ok(request) }
        })
        .build()
        .unwrap();
    let mut first = true;
    while let Some(event) = source.next().await {
        match event.unwrap_or_else(|error| panic!("client {client} ended: {error}")) {
            Event::Open { .. } if std::mem::take(&mut first) => opened.add_permits(1),
            Event::Message(message) => received.lock().unwrap().push(match message.event() {
                "gap" => Received::Gap(gap(message.data())),
                _ => Received::Event(message.data().parse().unwrap()),
            }),
            _ => {}
        }
    }
    panic!("client {client} ended");
}

/// The number of a gap event's data.
fn gap(data: &str) -> Option<u64> {
    let missed = data.strip_prefix("{\"missed\":").and_then(|data| data.strip_suffix('}')).unwrap();
    (missed != "null").then(|| missed.parse().unwrap())
}

/// Whether a client has each event once and in order, or a gap of the right size where events are
/// missing.
///
/// `losses` are the events between which Redis lost some: a gap of unknown size may come there, and
/// an event whose first attempt was lost with its acknowledgement may come again after it.
pub fn check(received: &[Received], published: u64, losses: &[(u64, u64)]) -> Result<(), String> {
    let may_lose = |number: u64| losses.iter().any(|&(from, to)| (from..=to + 1).contains(&number));
    let (mut last, mut told, mut unknown) = (0, 0, false);
    for (at, one) in received.iter().enumerate() {
        let context = || format!("{:?}", &received[at.saturating_sub(5)..(at + 3).min(received.len())]);
        match *one {
            Received::Gap(Some(missed)) => told += missed,
            Received::Gap(None) => unknown = true,
            Received::Event(number) => {
                let missing = number as i64 - last as i64 - 1;
                let right = match (missing, told, unknown) {
                    (0, 0, false) => true,
                    // Redis reported a loss of unknown size.
                    (-1.., _, true) => may_lose(number) || may_lose(last),
                    // In a loss the numbers of Redis go on, and an acknowledgement may have been
                    // lost.
                    (0.., told, false) => told as i64 == missing || told > 0 && may_lose(number),
                    _ => false,
                };
                if !right {
                    return Err(format!(
                        "event {number} after {last}, gap {told}, unknown {unknown}: {}",
                        context()
                    ));
                }
                (last, told, unknown) = (number, 0, false);
            }
        }
    }
    if last == published { Ok(()) } else { Err(format!("the last event is {last}, not {published}")) }
}

#[test]
fn the_check_notices_what_is_missing_twice_or_out_of_order() {
    use Received::{Event as E, Gap as G};
    assert_eq!(check(&[E(1), E(2), G(Some(2)), E(5)], 5, &[]), Ok(()));
    assert_eq!(check(&[E(1), G(None), E(3)], 3, &[(1, 2)]), Ok(()));
    for wrong in [
        vec![E(1), E(3)],
        vec![E(1), E(2), E(2), E(3)],
        vec![E(2), E(1), E(3)],
        vec![E(1), G(Some(2)), E(3)],
        vec![E(1), G(None), E(3)],
        vec![E(1), E(2)],
    ] {
        assert!(check(&wrong, 3, &[]).is_err(), "{wrong:?}");
    }
}
