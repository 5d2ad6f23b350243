//! One stream of events over loopback, read by each client in turn: how fast, and how that compares to reading it raw.
//!
//! `cargo run --release -p bench-client [-- EVENTS ROUNDS]`

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use launchdarkly_sdk_transport::HyperTransport;
use reqwest_eventsource::retry::Never;
use sse_tokio::{Config, Event, EventRef, EventSource, Repeat};

/// How the server frames the body, and how much it writes at once.
#[derive(Clone, Copy)]
enum Framing {
    /// The end of the connection ends the body; 64 KiB a write.
    Plain,
    /// A chunk of HTTP/1.1 per event, as servers flush them; the kernel and 64 KiB writes put many into one read.
    Chunked,
}

const CONTENDERS: [&str; 5] =
    ["raw", "sse-tokio, lent", "sse-tokio, owned", "reqwest-eventsource 0.6", "eventsource-client 0.18"];

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let events: usize = arguments.next().unwrap_or(500_000);
    let rounds: usize = arguments.next().unwrap_or(9);
    for (name, framing) in [("plain", Framing::Plain), ("a chunk per event", Framing::Chunked)] {
        let address = serve(events, framing);
        let mut times = [const { Vec::new() }; CONTENDERS.len()];
        for _ in 0..=rounds {
            for (contender, times) in times.iter_mut().enumerate() {
                let (start, busy) = (Instant::now(), on_cpu());
                read(contender, &format!("http://{address}/"), events);
                times.push([start.elapsed().as_secs_f64(), on_cpu() - busy]);
            }
        }
        println!("{name}: {events} events of {} bytes, the median of {rounds} rounds", event().len());
        println!("{:>26} {:>12} {:>8} {:>14} {:>8}", "", "events/s", "of raw", "CPU ns/event", "of raw");
        let medians = times.map(|times| {
            // The first round warms up.
            [0, 1].map(|clock| {
                let mut times: Vec<_> = times[1..].iter().map(|pair| pair[clock]).collect();
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
        });
        let raw = medians[0];
        for (contender, [time, busy]) in CONTENDERS.iter().zip(medians) {
            let (rate, cost) = (events as f64 / time, busy / events as f64 * 1e9);
            println!(
                "{contender:>26} {rate:>12.0} {:>8.2} {cost:>14.0} {:>8.2}",
                raw[0] / time,
                raw[1] / busy
            );
        }
    }
}

/// The seconds that this thread, on which the client runs, was on a processor: what a busy machine does not change.
fn on_cpu() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = schedstat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok());
    nanoseconds.expect("three numbers") / 1e9
}

/// 300 bytes, as a token of an LLM takes them.
fn event() -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-1\",\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "token ".repeat(38)
    )[..]
        .to_owned()
}

/// Answers every connection with the stream and closes it.
fn serve(events: usize, framing: Framing) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let event = match framing {
        Framing::Plain => event(),
        Framing::Chunked => format!("{:x}\r\n{}\r\n", event().len(), event()),
    };
    let batch = (64 << 10) / event.len();
    let block: Arc<str> = event.repeat(batch).into();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a connection");
            let (block, event) = (Arc::clone(&block), event.clone());
            thread::spawn(move || {
                let mut lines = BufReader::new(&socket).lines();
                while lines.next().is_some_and(|line| !line.expect("a request").is_empty()) {}
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
                let (framing, end) = match framing {
                    Framing::Plain => ("Connection: close\r\n\r\n", ""),
                    Framing::Chunked => {
                        ("Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n")
                    }
                };
                let mut send = |text: &str| socket.write_all(text.as_bytes());
                let _ = send(head).and_then(|()| send(framing));
                for _ in 0..events / batch {
                    let _ = send(&block);
                }
                for _ in 0..events % batch {
                    let _ = send(&event);
                }
                let _ = send(end);
            });
        }
    });
    address
}

#[tokio::main(flavor = "current_thread")]
async fn read(contender: usize, url: &str, events: usize) {
    let length = event().trim_end().len() - "data: ".len();
    let read = match contender {
        0 => {
            let response = reqwest::get(url).await.expect("a response");
            let mut body = reqwest::Body::from(response);
            let mut bytes = 0;
            while let Some(frame) = body.frame().await {
                bytes += black_box(frame.expect("data").into_data().expect("no trailers")).len();
            }
            assert_eq!(bytes, events * event().len());
            return;
        }
        1 => {
            let mut source = source(url);
            let mut read = 0;
            while let Some(event) = source.next_event().await {
                if let EventRef::Message(event) = event.expect("no error") {
                    read += black_box(event.data).len();
                }
            }
            read
        }
        2 => {
            let mut source = source(url);
            let mut read = 0;
            while let Some(event) = source.try_next().await.expect("no error") {
                if let Event::Message(message) = event {
                    read += black_box(message).data().len();
                }
            }
            read
        }
        3 => {
            let mut source =
                reqwest_eventsource::EventSource::new(reqwest12::Client::new().get(url)).expect("a request");
            source.set_retry_policy(Box::new(Never));
            let mut read = 0;
            while let Some(Ok(event)) = source.next().await {
                if let reqwest_eventsource::Event::Message(message) = event {
                    read += black_box(message).data.len();
                }
            }
            read
        }
        _ => {
            let transport = HyperTransport::builder().build_http().expect("a transport");
            let client = ClientBuilder::for_url(url)
                .expect("a URL")
                .reconnect(ReconnectOptions::reconnect(false).build())
                .build_with_transport(transport);
            let mut stream = client.stream();
            let mut read = 0;
            while let Some(Ok(event)) = stream.next().await {
                if let SSE::Event(event) = event {
                    read += black_box(event).data.len();
                }
            }
            read
        }
    };
    assert_eq!(read, events * length, "{}", CONTENDERS[contender]);
}

fn source(url: &str) -> EventSource {
    let config = Config { repeat: Some(Repeat::Never), ..Config::default() };
    EventSource::builder(url).config(config).build().expect("a request")
}
