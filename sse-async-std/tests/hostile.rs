//! Hostile servers against a client on an executor of one thread.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use futures_lite::StreamExt;
use futures_lite::future::{block_on, or, yield_now};
use sse_async_std::{Event, EventSource};

#[test]
fn a_flooding_server_leaves_the_thread_to_other_tasks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").unwrap();
        // A line without end, as fast as it goes, until the client hangs up.
        while stream.write_all(&[b'x'; 1 << 20]).is_ok() {}
    });
    let mut source = EventSource::get(url).unwrap();
    let others = async {
        for _ in 0..10 {
            yield_now().await;
        }
    };
    block_on(async {
        assert!(matches!(source.next().await, Some(Ok(Event::Open(_)))));
        or(async { drop(source.next().await) }, others).await;
    });
}
