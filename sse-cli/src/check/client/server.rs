//! Loopback server that plays the replies of a scenario, one for each connection, and records the
//! requests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::scenario::{End, Received, Reply};

/// The longest request that is read, in bytes.
const REQUEST: usize = 64 << 10;
/// How long the server waits for a client's request.
const SLOW: Duration = Duration::from_secs(5);

/// The requests that the server has received, in order.
#[derive(Debug)]
pub(super) struct Log {
    received: Mutex<Vec<Received>>,
    /// Notified at each request and at the end of each response.
    pub(super) changed: Notify,
}

impl Log {
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nothing panics while it holds the lock").clone()
    }
}

/// Plays `replies` on `listener` until it is dropped; every further request is answered 204.
pub(super) async fn play(listener: TcpListener, replies: Vec<Reply>, log: Arc<Log>) {
    let mut since = Instant::now();
    let gone = Reply { status: Some(204), headers: Some(Vec::new()), ..Reply::default() };
    for reply in replies.into_iter().chain(std::iter::repeat(gone)) {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let Ok(Some(mut received)) = timeout(SLOW, read(&mut stream)).await else { continue };
            received.after = since.elapsed();
            log.received.lock().expect("nothing panics while it holds the lock").push(received);
            log.changed.notify_one();
            // The client may hang up when it has seen enough.
            let _ = answer(&mut stream, &reply).await;
            since = Instant::now();
            break;
        }
        log.changed.notify_one();
    }
}

pub(super) fn log() -> Arc<Log> {
    Arc::new(Log { received: Mutex::default(), changed: Notify::new() })
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > REQUEST || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let line = String::from_utf8_lossy(lines.next()?);
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        Some((name, line[colon + 1..].trim_ascii().to_vec()))
    });
    Some(Received { path, headers: headers.collect(), after: Duration::ZERO })
}

async fn answer(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for piece in reply.pieces() {
        stream.write_all(&piece).await?;
    }
    match reply.end {
        End::Reset => {
            // The written bytes have to arrive before the reset.
            tokio::time::sleep(Duration::from_millis(100)).await;
            stream.set_zero_linger()
        }
        End::Close => {
            stream.shutdown().await?;
            let _ = timeout(Duration::from_secs(1), stream.read(&mut [0; 64])).await;
            Ok(())
        }
    }
}
