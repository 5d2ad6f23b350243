//! Throughput of clients that read one stream of events over loopback, in turn, compared with raw
//! reading.
//!
//! `cargo run --release -p bench-client [-- EVENTS ROUNDS [CONTENDER..]]`

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::{StreamExt, TryStreamExt};
use http_body_util::{BodyDataStream, BodyExt};
use launchdarkly_sdk_transport::HyperTransport;
use sse_tokio::{ByteStreamExt, Config, Event, EventRef, EventSource, Frame, Message, Repeat};

/// Framing of the body by the server, and the size of its writes.
#[derive(Clone, Copy)]
enum Framing {
    /// The end of the connection ends the body; each write has 64 KiB.
    Plain,
    /// An HTTP/1.1 chunk for each event, as servers flush them; the kernel and 64 KiB writes put
    /// many chunks into one read.
    Chunked,
    /// An HTTP/1.1 chunk for each event, and a write for each chunk: a read returns what has
    /// arrived so far.
    Flushed,
}

const CONTENDERS: [&str; 10] = [
    "raw",
    "raw, every byte read",
    "EventSource::next_event",
    "next_event, copied",
    "EventSource as a Stream",
    ".sse(), next_frame",
    ".sse() as a Stream",
    "sse-reqwest-eventsource",
    "reqwest-eventsource 0.6",
    "eventsource-client 0.18",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(default, |number| number.parse().expect("a number"));
    let (events, rounds) = (number(500_000), number(9));
    let wanted: Vec<String> = arguments.collect();
    let contenders: Vec<usize> = (0..CONTENDERS.len())
        .filter(|&which| wanted.is_empty() || wanted.iter().any(|name| name == CONTENDERS[which]))
        .collect();
    for (name, framing) in [
        ("no chunks", Framing::Plain),
        ("a chunk per event", Framing::Chunked),
        ("a chunk and a write per event", Framing::Flushed),
    ] {
        let address = serve(events, framing);
        let mut times = vec![Vec::new(); contenders.len()];
        for _ in 0..=rounds {
            for (&contender, times) in contenders.iter().zip(&mut times) {
                let (start, busy) = (Instant::now(), on_cpu());
                read(contender, &format!("http://{address}/"), events);
                times.push([start.elapsed().as_secs_f64(), on_cpu() - busy]);
            }
        }
        println!("{name}: {events} events of {} bytes, the median of {rounds} rounds", event().len());
        println!(
            "{:>26} {:>14} {:>8} {:>20} {:>8}",
            "", "wall ns/event", "of raw", "client's CPU ns/event", "of raw"
        );
        let medians = times.iter().map(|times| {
            // The first round warms up.
            [0, 1].map(|clock| {
                let mut times: Vec<_> =
                    times[1..].iter().map(|pair| pair[clock] / events as f64 * 1e9).collect();
                times.sort_by(f64::total_cmp);
                times[times.len() / 2]
            })
        });
        let medians: Vec<_> = medians.collect();
        let raw = medians[0];
        for (&contender, [wall, busy]) in contenders.iter().zip(medians) {
            println!(
                "{:>26} {wall:>14.0} {:>8.2} {busy:>20.0} {:>8.2}",
                CONTENDERS[contender],
                raw[0] / wall,
                raw[1] / busy
            );
        }
    }
}

/// The CPU time of this thread, on which the client runs, in seconds. Other load on the machine
/// does not change it.
fn on_cpu() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = schedstat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok());
    nanoseconds.expect("three numbers") / 1e9
}

/// An event of 300 bytes, like a token of an LLM.
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
        Framing::Chunked | Framing::Flushed => format!("{:x}\r\n{}\r\n", event().len(), event()),
    };
    let batch = if let Framing::Flushed = framing { 1 } else { (64 << 10) / event.len() };
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
                    Framing::Chunked | Framing::Flushed => {
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

/// Implements reading with the client of reqwest-eventsource 0.6, or with its drop-in replacement.
macro_rules! read_alike {
    ($krate:ident, $url:expr) => {{
        let request = reqwest12::Client::new().get($url);
        let mut source = $krate::EventSource::new(request).expect("a request");
        source.set_retry_policy(Box::new($krate::retry::Never));
        let mut read = 0;
        while let Some(Ok(event)) = source.next().await {
            if let $krate::Event::Message(message) = event {
                read += black_box(message).data.len();
            }
        }
        read
    }};
}

#[tokio::main(flavor = "current_thread")]
async fn read(contender: usize, url: &str, events: usize) {
    let length = event().trim_end().len() - "data: ".len();
    let read = match contender {
        0 => {
            let mut body = body(url).await;
            let mut bytes = 0;
            while let Some(frame) = body.frame().await {
                bytes += black_box(frame.expect("data").into_data().expect("no trailers")).len();
            }
            assert_eq!(bytes, events * event().len());
            return;
        }
        1 => {
            let mut body = body(url).await;
            let mut bytes = 0;
            while let Some(frame) = body.frame().await {
                let chunk = frame.expect("data").into_data().expect("no trailers");
                black_box(chunk.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
                bytes += chunk.len();
            }
            assert_eq!(bytes, events * event().len());
            return;
        }
        2 => {
            let mut source = source(url);
            let mut read = 0;
            while let Some(event) = source.next_event().await {
                if let EventRef::Message(event) = event.expect("no error") {
                    read += black_box(event.data).len();
                }
            }
            read
        }
        3 => {
            let mut source = source(url);
            let mut read = 0;
            while let Some(event) = source.next_event().await {
                if let EventRef::Message(event) = event.expect("no error") {
                    read += black_box(Message::from(event)).data().len();
                }
            }
            read
        }
        4 => {
            let mut source = source(url);
            let mut read = 0;
            while let Some(event) = source.try_next().await.expect("no error") {
                if let Event::Message(message) = event {
                    read += black_box(message).data().len();
                }
            }
            read
        }
        5 => {
            let mut stream = BodyDataStream::new(body(url).await).sse();
            let mut read = 0;
            while let Some(frame) = stream.next_frame().await {
                if let Frame::Event(event) = frame.expect("no error") {
                    read += black_box(event.data).len();
                }
            }
            read
        }
        6 => {
            let mut stream = BodyDataStream::new(body(url).await).sse();
            let mut read = 0;
            while let Some(message) = stream.try_next().await.expect("no error") {
                read += black_box(message).data().len();
            }
            read
        }
        7 => read_alike!(sse_reqwest_eventsource, url),
        8 => read_alike!(reqwest_eventsource, url),
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

async fn body(url: &str) -> reqwest::Body {
    reqwest::get(url).await.expect("a response").into()
}

fn source(url: &str) -> EventSource {
    let config = Config::default().with_repeat(Repeat::Never);
    EventSource::builder(url).config(config).build().expect("a request")
}
