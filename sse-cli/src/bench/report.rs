//! Report of `sse bench`, for people and for scripts.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::load::{Plan, Turn, Usage};

/// All measurements of the report.
pub(super) struct Report<'a> {
    pub(super) url: &'a str,
    pub(super) wanted: usize,
    pub(super) connected: usize,
    pub(super) connect_time: Duration,
    pub(super) plan: &'a Plan,
    pub(super) publishes: bool,
    pub(super) turn: &'a Turn,
    /// CPU seconds of this process while it measured.
    pub(super) generator_cpu: Option<f64>,
    pub(super) server: Option<Server>,
}

/// CPU and memory of the server: before the first connection, with all subscribers connected, and
/// at the end.
pub(super) struct Server {
    pub(super) before: Usage,
    pub(super) idle: Usage,
    pub(super) after: Usage,
}

impl Report<'_> {
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            return writeln!(out, "{}", self.json());
        }
        self.text(&mut out)
    }

    /// Names of the faults; empty if every event arrived exactly once and in order.
    pub(super) fn faults(&self) -> Vec<&'static str> {
        let Turn { lost, repeated, out_of_order, cut, .. } = self.turn;
        [(*lost, "lost"), (*repeated, "repeated"), (*out_of_order, "out_of_order"), (*cut as u64, "cut")]
            .into_iter()
            .filter_map(|(count, name)| (count > 0).then_some(name))
            .collect()
    }

    /// Number of events that arrived: events of this run, or events of others if this run publishes
    /// none.
    fn deliveries(&self) -> u64 {
        if self.publishes { self.turn.deliveries } else { self.turn.deliveries + self.turn.others }
    }

    fn rate(&self) -> f64 {
        let seconds = self.turn.elapsed.as_secs_f64();
        if seconds > 0.0 { self.deliveries() as f64 / seconds } else { 0.0 }
    }

    /// A quantile of the latency in milliseconds.
    fn latency(&self, quantile: f64) -> f64 {
        self.turn.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn json(&self) -> Value {
        let turn = self.turn;
        let latency = (!turn.latency.is_empty()).then(|| {
            json!({
                "p50": self.latency(0.5), "p90": self.latency(0.9), "p99": self.latency(0.99),
                "p99_9": self.latency(0.999), "max": self.latency(1.0),
            })
        });
        let server = self.server.as_ref().map(|server| {
            json!({
                "cpu_seconds": server.cpu(),
                "cpu_us_per_delivery": server.cpu_per_delivery(self.deliveries()),
                "memory_before": server.before.memory,
                "memory_connected": server.idle.memory,
                "memory_end": server.after.memory,
                "memory_per_subscriber": server.memory_per_subscriber(self.connected),
            })
        });
        json!({
            "url": self.url,
            "subscribers": self.wanted,
            "connected": self.connected,
            "connect_seconds": self.connect_time.as_secs_f64(),
            "seconds": turn.elapsed.as_secs_f64(),
            "burst": self.publishes.then_some(self.plan.burst),
            "size": self.publishes.then_some(self.plan.size),
            "published": self.publishes.then_some(turn.published),
            "deliveries": self.deliveries(),
            "deliveries_per_second": self.rate(),
            "bytes": turn.bytes,
            "latency_ms": latency,
            "lost": turn.lost,
            "repeated": turn.repeated,
            "out_of_order": turn.out_of_order,
            "cut": turn.cut,
            "cut_reason": turn.why_cut,
            "other_events": if self.publishes { turn.others } else { 0 },
            "faults": self.faults(),
            "failure": turn.failure,
            "generator_cpu_seconds": self.generator_cpu,
            "server": server,
        })
    }

    fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let turn = self.turn;
        let (connected, time) = (self.connected, self.connect_time.as_secs_f64());
        write!(
            out,
            "{connected} subscribers of {} connected in {time:.2} s",
            crate::text::Visible(self.url)
        )?;
        if connected < self.wanted {
            write!(out, ", {} were requested", self.wanted)?;
        }
        writeln!(out, "\n")?;
        let seconds = turn.elapsed.as_secs_f64();
        if self.publishes {
            let Plan { burst, size, .. } = self.plan;
            writeln!(
                out,
                "published     {} events in {seconds:.2} s, {burst} at once, {size} bytes each",
                turn.published
            )?;
        }
        let rate = self.rate();
        writeln!(out, "deliveries    {} in {seconds:.2} s, {rate:.0} per second", self.deliveries())?;
        if !turn.latency.is_empty() {
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|quantile| self.latency(quantile));
            writeln!(out, "latency       p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms")?;
        }
        if self.publishes {
            writeln!(out, "lost          {}", turn.lost)?;
            writeln!(out, "repeated      {}", turn.repeated)?;
            writeln!(out, "out of order  {}", turn.out_of_order)?;
        }
        write!(out, "cut off       {}", turn.cut)?;
        if let Some(why) = &turn.why_cut {
            write!(out, " subscribers, the first because {}", crate::text::Visible(why))?;
        }
        writeln!(out)?;
        if self.publishes && turn.others > 0 {
            writeln!(out, "other events  {}", turn.others)?;
        }
        if let Some(server) = &self.server {
            let (cpu, each) = (server.cpu(), server.cpu_per_delivery(self.deliveries()));
            writeln!(out, "server CPU    {cpu:.2} s, {each:.2} µs per delivery")?;
            let [before, idle, after] =
                [server.before, server.idle, server.after].map(|usage| usage.memory as f64 / 1e6);
            let each = server.memory_per_subscriber(connected) / 1000.0;
            writeln!(
                out,
                "server memory {before:.1} MB before, {idle:.1} MB connected ({each:.1} kB per subscriber), {after:.1} MB at the end"
            )?;
        }
        if let Some(cpu) = self.generator_cpu {
            writeln!(out, "own CPU       {cpu:.2} s")?;
        }
        Ok(())
    }
}

impl Server {
    fn cpu(&self) -> f64 {
        self.after.cpu_seconds - self.idle.cpu_seconds
    }

    fn cpu_per_delivery(&self, deliveries: u64) -> f64 {
        self.cpu() * 1e6 / deliveries.max(1) as f64
    }

    fn memory_per_subscriber(&self, connected: usize) -> f64 {
        (self.idle.memory as f64 - self.before.memory as f64) / connected.max(1) as f64
    }
}
