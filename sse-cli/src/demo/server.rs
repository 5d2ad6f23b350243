//! Server of the demo: hand-written HTTP/1.1, because HTTP libraries do not break off inside a
//! response.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::script::Script;

/// The time between two tokens.
const PACE: Duration = Duration::from_millis(25);

/// The longest request that is read, in bytes.
const REQUEST_LIMIT: u64 = 16 * 1024;

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\
                    Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

const END: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

/// Serves one connection after the other, and reports on `places` where it is about to break one.
pub(super) async fn serve(
    listener: TcpListener,
    script: Arc<Script>,
    places: mpsc::UnboundedSender<&'static str>,
) {
    let mut cuts = 0;
    loop {
        // A connection that fails here is one more that the client has to survive.
        if let Ok((mut stream, _)) = listener.accept().await {
            let _ = answer(&mut stream, &script, &mut cuts, &places).await;
        }
    }
}

/// Answers a request with the events after the client's last one, up to the next break.
async fn answer(
    stream: &mut TcpStream,
    script: &Script,
    cuts: &mut usize,
    places: &mpsc::UnboundedSender<&'static str>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let start = last_event_id(stream).await?;
    if start >= script.wire.len() {
        return stream.write_all(END.as_bytes()).await;
    }
    stream.write_all(HEAD.as_bytes()).await?;
    if start == 0 {
        chunk(stream, b": this server breaks its connections\nretry: 100\n\n").await?;
    }
    for (index, wire) in script.wire.iter().enumerate().skip(start) {
        tokio::time::sleep(PACE).await;
        if let Some(cut) = script.cuts.get(*cuts).filter(|cut| cut.event == index) {
            *cuts += 1;
            // The client may have gone.
            let _ = places.send(cut.place);
            if !cut.clean {
                // A chunk that promises one byte more than it has.
                stream.write_all(format!("{:x}\r\n", cut.sent.len() + 1).as_bytes()).await?;
                return stream.write_all(&cut.sent).await;
            }
            if !cut.sent.is_empty() {
                chunk(stream, &cut.sent).await?;
            }
            break;
        }
        chunk(stream, wire.as_bytes()).await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

/// Reads the head of a request; returns the index of the first event to send. IDs count from 1, and
/// are sent in order.
async fn last_event_id(stream: &mut TcpStream) -> io::Result<usize> {
    let mut lines = BufReader::new(stream.take(REQUEST_LIMIT)).lines();
    let mut id = 0;
    while let Some(line) = lines.next_line().await? {
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("last-event-id") => {
                id = value.trim().parse().unwrap_or(0);
            }
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    Ok(id)
}

/// Writes one chunk of the chunked transfer coding (RFC 9112, 7.1).
async fn chunk(stream: &mut TcpStream, data: &[u8]) -> io::Result<()> {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    stream.write_all(&chunk).await
}
