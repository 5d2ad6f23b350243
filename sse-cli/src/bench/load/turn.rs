//! Turn: one measurement, which publishes, receives and counts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::marker::Markers;
use super::subscribers::{Subscribers, TICK, Watch};

/// How long to wait for events on their way if the turn was stopped early.
const HURRY: Duration = Duration::from_secs(1);

/// Policy that decides when events are published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// A closed loop: publishes a burst when fewer than `in_flight` bursts are still to arrive at
    /// some subscriber. A burst counts as arrived when a later one has arrived, so lost events do
    /// not stop the loop.
    Closed { in_flight: u32 },
    /// This number of events per second, whatever arrives. Latency counts from the time when an
    /// event was due.
    Rate(f64),
}

impl Pace {
    /// Number of bursts in flight of a closed loop, at least 1.
    fn in_flight(self) -> Option<u32> {
        match self {
            Self::Closed { in_flight } => Some(in_flight.max(1)),
            Self::Rate(_) => None,
        }
    }
}

/// The events of a turn, and its length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) pace: Pace,
    /// Number of events published one after another without a wait, in one request if the hub takes
    /// it.
    pub(crate) burst: u32,
    /// Bytes of data per event; at least `MARKER_LEN`.
    pub(crate) size: usize,
    pub(crate) time: Duration,
    /// The largest number of bursts.
    pub(crate) bursts: u64,
    /// Missing events count as lost after this time without any arrival.
    pub(crate) patience: Duration,
}

/// Publisher to the stream that the subscribers follow.
pub(crate) trait Publish: Send {
    /// Publishes events with these data, in this order.
    ///
    /// # Errors
    ///
    /// If the hub did not accept the events; the turn then ends.
    fn publish(&mut self, burst: &[String]) -> Result<(), String>;
}

/// Results of a turn.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Time from the start until the last event arrived.
    pub(crate) elapsed: Duration,
    pub(crate) published: u32,
    /// Events that arrived, each counted once per subscriber.
    pub(crate) deliveries: u64,
    /// Bytes read from the sockets, framing included.
    pub(crate) bytes: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) out_of_order: u64,
    /// Number of events that this run did not publish.
    pub(crate) others: u64,
    /// Number of subscribers whose connection ended.
    pub(crate) cut: usize,
    /// Why the first of these connections ended.
    pub(crate) why_cut: Option<String>,
    /// Microseconds from publishing an event to the end of the read that received it.
    pub(crate) latency: Histogram<u64>,
    /// Why publishing ended early, if it did.
    pub(crate) failure: Option<String>,
}

/// State of the publisher's thread.
struct Job<'a> {
    publisher: &'a mut dyn Publish,
    plan: Plan,
    markers: Arc<Markers>,
    announced: Arc<AtomicU32>,
    stop: &'a AtomicBool,
}

impl Subscribers {
    /// Runs a turn. Without a publisher, it counts the events that others publish.
    ///
    /// # Errors
    ///
    /// If the operating system cannot wait for sockets.
    pub(crate) fn run(
        &mut self,
        plan: &Plan,
        publisher: Option<&mut dyn Publish>,
        watch: &mut dyn Watch,
    ) -> io::Result<Turn> {
        self.begin_turn();
        let (start, first) = (Instant::now(), self.counts.end);
        let stop = AtomicBool::new(false);
        let (bursts, queue) = sync_channel(plan.pace.in_flight().map_or(1, |count| count as usize));
        let (markers, announced) = (Arc::clone(&self.markers), Arc::clone(&self.announced));
        let (result, failure) = thread::scope(|scope| {
            let job =
                publisher.map(|publisher| Job { publisher, plan: *plan, markers, announced, stop: &stop });
            let thread = job.map(|job| scope.spawn(move || job.run(&queue)));
            let mut result = self.drive(plan, start, &bursts, thread.as_ref(), watch);
            let has_failed = thread.as_ref().is_some_and(ScopedJoinHandle::is_finished);
            let is_early = watch.stopped() || (has_failed && start.elapsed() < plan.time);
            let patience = if is_early { plan.patience.min(HURRY) } else { plan.patience };
            stop.store(true, Ordering::Relaxed);
            drop(bursts);
            if result.is_ok() {
                result = self.drain(patience, thread.as_ref());
            }
            let failure = thread.and_then(|thread| thread.join().expect("it does not panic").err());
            (result, failure)
        });
        result?;
        let counts = self.end_turn();
        // Without a publisher the time counts, also when nothing arrived at its end.
        let end = counts.last_arrival.filter(|_| counts.tally.deliveries > 0).unwrap_or_else(Instant::now);
        Ok(Turn {
            elapsed: end.saturating_duration_since(start),
            published: self.announced.load(Ordering::Acquire) - first,
            deliveries: counts.tally.deliveries,
            bytes: counts.bytes,
            lost: counts.tally.lost,
            repeated: counts.tally.repeated,
            out_of_order: counts.tally.out_of_order,
            others: counts.others,
            cut: counts.cut,
            why_cut: counts.why_cut,
            latency: counts.latency,
            failure,
        })
    }

    /// Publishes and receives until the time is up.
    fn drive(
        &mut self,
        plan: &Plan,
        start: Instant,
        bursts: &SyncSender<()>,
        publisher: Option<&ScopedJoinHandle<'_, Result<(), String>>>,
        watch: &mut dyn Watch,
    ) -> io::Result<()> {
        let (mut left, mut asked, mut looked) = (plan.bursts, start, start);
        let first = self.counts.end;
        let mut end = first;
        let in_flight = plan.pace.in_flight().filter(|_| publisher.is_some());
        let closed = in_flight.is_some();
        while !watch.stopped() && self.len() > 0 && publisher.is_none_or(|it| !it.is_finished()) {
            let now = Instant::now();
            if now - start >= plan.time && (!closed || self.counts.pending == 0) {
                break;
            }
            let waited = now - self.counts.last_arrival.unwrap_or(asked).max(asked);
            if let Some(in_flight) = in_flight
                && (self.counts.pending == 0 || waited >= plan.patience)
            {
                if left == 0 || now - start >= plan.time || end > u32::MAX - plan.burst {
                    break;
                }
                // The publisher may still wait for responses, or have ended, which the loop sees.
                if bursts.try_send(()).is_ok() {
                    left -= 1;
                    asked = now;
                    end += plan.burst;
                    let others = plan.burst.saturating_mul(in_flight - 1);
                    self.expect(end.saturating_sub(others).max(first));
                    if self.counts.pending == 0 {
                        continue;
                    }
                }
            }
            let rest = if closed { TICK } else { plan.time.saturating_sub(now - start).min(TICK) };
            self.receive(rest)?;
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                watch.delivered(start.elapsed(), self.counts.tally.deliveries + self.counts.others);
            }
        }
        Ok(())
    }

    /// Receives events on their way, until nothing has arrived for the time `patience`.
    fn drain(
        &mut self,
        patience: Duration,
        publisher: Option<&ScopedJoinHandle<'_, Result<(), String>>>,
    ) -> io::Result<()> {
        let began = Instant::now();
        while let Some(publisher) = publisher {
            let end = self.announced.load(Ordering::Acquire);
            let complete = self.open().all(|subscriber| subscriber.ledger.is_complete(end));
            let waited = self.counts.last_arrival.unwrap_or(began).max(began).elapsed();
            if publisher.is_finished() && (complete || waited >= patience) {
                break;
            }
            self.receive(if complete { Duration::from_millis(1) } else { TICK })?;
        }
        Ok(())
    }
}

impl Job<'_> {
    fn run(mut self, bursts: &Receiver<()>) -> Result<(), String> {
        match self.plan.pace {
            Pace::Closed { .. } => {
                while bursts.recv().is_ok() {
                    self.publish(None)?;
                }
                Ok(())
            }
            Pace::Rate(rate) => self.publish_at(rate),
        }
    }

    fn publish_at(&mut self, rate: f64) -> Result<(), String> {
        let start = Instant::now();
        for number in 0..self.plan.bursts {
            let after = Duration::try_from_secs_f64(number as f64 * f64::from(self.plan.burst) / rate);
            let Ok(after) = after else { break };
            loop {
                if self.stop.load(Ordering::Relaxed) || start.elapsed() >= self.plan.time {
                    return Ok(());
                }
                let wait = after.saturating_sub(start.elapsed());
                if wait.is_zero() {
                    break;
                }
                thread::sleep(wait.min(TICK));
            }
            self.publish(Some(start + after))?;
        }
        Ok(())
    }

    /// Publishes one burst, which was due at `due`, or now.
    fn publish(&mut self, due: Option<Instant>) -> Result<(), String> {
        let first = self.announced.load(Ordering::Acquire);
        let Some(end) = first.checked_add(self.plan.burst) else { return Ok(()) };
        // Stored before the publish, because events may arrive at once.
        self.announced.store(end, Ordering::Release);
        let time = due.unwrap_or_else(Instant::now);
        let burst: Vec<String> =
            (first..end).map(|number| self.markers.data(number, time, self.plan.size)).collect();
        self.publisher.publish(&burst)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::super::subscribers::Target;
    use super::*;

    /// Test publisher that holds bursts back until it has the intended number in flight, and then
    /// delivers the newest first.
    struct Holder {
        stream: TcpStream,
        in_flight: usize,
        held: Vec<String>,
    }

    impl Publish for Holder {
        fn publish(&mut self, burst: &[String]) -> Result<(), String> {
            self.held.push(burst.iter().map(|data| format!("data: {data}\n\n")).collect());
            if self.held.len() == self.in_flight {
                let events: String = self.held.drain(..).rev().collect();
                self.stream.write_all(events.as_bytes()).map_err(|error| error.to_string())?;
            }
            Ok(())
        }
    }

    struct Blind;

    impl Watch for Blind {}

    #[test]
    fn a_closed_loop_keeps_bursts_in_flight_and_counts_what_arrives_in_another_order() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target { addresses: vec![listener.local_addr().unwrap()], request: b"GET".to_vec() };
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.read_exact(&mut [0; 3]).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").unwrap();
            stream
        });
        let patience = Duration::from_secs(60);
        let mut subscribers = Subscribers::connect(&target, 1, patience, &mut Blind).unwrap();
        let mut publisher = Holder { stream: server.join().unwrap(), in_flight: 3, held: Vec::new() };
        let pace = Pace::Closed { in_flight: 3 };
        let plan = Plan { pace, burst: 2, size: 0, time: patience, bursts: 3, patience };
        let turn = subscribers.run(&plan, Some(&mut publisher), &mut Blind).unwrap();
        assert_eq!((turn.published, turn.deliveries, turn.lost, turn.repeated), (6, 6, 0, 0));
        assert_eq!(turn.out_of_order, 4);
        assert!(turn.elapsed < patience, "a burst was held back until the patience ended");
    }
}
