//! A proxy between client and server that disturbs connections as networks do, at random by seed.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// SplitMix64: the same seed, the same faults.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Closed before a byte of the response.
    Refuse,
    /// A status that is worth another attempt.
    Busy,
    /// Closed inside the head of the response.
    HalfHead,
    /// Closed inside the body, without the end that its framing wants.
    Cut,
    /// The body ends cleanly, wherever it is.
    End,
    /// A TCP reset.
    Reset,
    /// Nothing more comes until the client gives up, and the server does not know.
    Stall,
    /// The client is gone for the server, the server not for the client, and what is left is sent
    /// late.
    HalfOpen,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::Refuse,
        Self::Busy,
        Self::HalfHead,
        Self::Cut,
        Self::End,
        Self::Reset,
        Self::Stall,
        Self::HalfOpen,
    ];
}

/// Listens, and remembers which faults it did.
pub struct Proxy {
    pub url: String,
    done: Arc<Mutex<Vec<Fault>>>,
}

impl Proxy {
    pub async fn start(upstream: SocketAddr, mut random: Random) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let done = Arc::new(Mutex::default());
        let proxy = Self { url, done: Arc::clone(&done) };
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                client.set_nodelay(true).unwrap();
                let connection = Connection {
                    client: BufReader::new(client),
                    upstream,
                    random: Random(random.below(usize::MAX) as u64),
                    done: Arc::clone(&done),
                };
                // An error is a peer that has left: it comes again.
                tokio::spawn(connection.run());
            }
        });
        proxy
    }

    /// The faults so far.
    pub fn done(&self) -> Vec<Fault> {
        self.done.lock().unwrap().clone()
    }
}

struct Connection {
    client: BufReader<TcpStream>,
    upstream: SocketAddr,
    random: Random,
    done: Arc<Mutex<Vec<Fault>>>,
}

impl Connection {
    async fn run(mut self) -> io::Result<()> {
        let fault = Fault::ALL[self.random.below(Fault::ALL.len())];
        let request = read_head(&mut self.client).await?;
        let (head, chunked) = match self.random.below(2) {
            0 => ("Connection: close", false),
            _ => ("Connection: close\r\nTransfer-Encoding: chunked", true),
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}\r\n\r\n");
        match fault {
            Fault::Refuse => return self.did(fault),
            Fault::Busy => {
                let head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                self.client.write_all(head).await?;
                return self.did(fault);
            }
            Fault::HalfHead => {
                let cut = self.random.below(head.len());
                self.client.write_all(&head.as_bytes()[..cut]).await?;
                return self.did(fault);
            }
            _ => {}
        }
        let mut server = self.ask(&request).await?;
        // A proxy that sends the request twice: the server has a subscriber without a reader.
        let _twin = match self.random.below(4) {
            0 => Some(self.ask(&request).await?),
            _ => None,
        };
        self.client.write_all(head.as_bytes()).await?;

        let mut room = self.random.below(1500);
        let longest = [1, 3, 17, 4096][self.random.below(4)];
        let trickles = self.random.below(4) == 0;
        let mut buffer = vec![0; 4096];
        while room > 0 {
            let wanted = room.min(buffer.len());
            let read = server.read(&mut buffer[..wanted]).await?;
            if read == 0 {
                return Ok(());
            }
            room -= read;
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(rest.len().min(1 + self.random.below(longest)));
                write(&mut self.client, piece, chunked).await?;
                rest = tail;
                if trickles {
                    sleep(Duration::from_millis(1)).await;
                } else {
                    tokio::task::yield_now().await;
                }
            }
        }
        match fault {
            Fault::End if chunked => self.client.write_all(b"0\r\n\r\n").await?,
            Fault::Reset => self.client.get_ref().set_zero_linger()?,
            Fault::Stall => {
                self.did(fault)?;
                self.client.read_u8().await.ok();
                return Ok(());
            }
            Fault::HalfOpen => {
                self.did(fault)?;
                let read = server.read(&mut buffer).await?;
                // Long after the client gave up.
                sleep(Duration::from_secs(60)).await;
                return write(&mut self.client, &buffer[..read], chunked).await;
            }
            _ => {}
        }
        self.did(fault)
    }

    /// Sends the request on, as HTTP/1.0: the body comes without framing, to be given another.
    async fn ask(&self, request: &[u8]) -> io::Result<BufReader<TcpStream>> {
        let request = String::from_utf8_lossy(request).replacen(" HTTP/1.1\r\n", " HTTP/1.0\r\n", 1);
        let mut server = BufReader::new(TcpStream::connect(self.upstream).await?);
        server.write_all(request.as_bytes()).await?;
        let head = read_head(&mut server).await?;
        assert!(head.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&head));
        Ok(server)
    }

    fn did(&self, fault: Fault) -> io::Result<()> {
        self.done.lock().unwrap().push(fault);
        Ok(())
    }
}

async fn write(client: &mut BufReader<TcpStream>, piece: &[u8], chunked: bool) -> io::Result<()> {
    if !chunked {
        return client.write_all(piece).await;
    }
    let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
    chunk.extend_from_slice(piece);
    chunk.extend_from_slice(b"\r\n");
    client.write_all(&chunk).await
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}
