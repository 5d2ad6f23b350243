//! Connecting to a host name: resolution, and the race of its addresses.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use async_io::Timer;
use async_net::TcpStream;
use futures_core::future::BoxFuture;
use url::{Host, Url};

/// How long one address is tried before the next one is tried too (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to the host of a URL.
pub(super) async fn connect(url: &Url) -> io::Result<TcpStream> {
    let port = url.port_or_known_default().ok_or(io::ErrorKind::InvalidInput)?;
    let addresses = match url.host() {
        Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
        Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
        Some(Host::Domain(name)) => resolve(name, port).await?,
        None => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let socket = race(alternate(addresses), TcpStream::connect).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

#[cfg(feature = "async-std")]
async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(async_std::net::ToSocketAddrs::to_socket_addrs(&(name, port)).await?.collect())
}

#[cfg(not(feature = "async-std"))]
async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    async_net::resolve((name, port)).await
}

/// Alternates IPv6 and IPv4 addresses; within each family the resolver's order stays (RFC 8305, 4).
fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(same.next());
        all.extend(other.next());
        if all.len() == before {
            return all;
        }
    }
}

/// Connects to the address that answers first. The attempt to the next address begins when the one
/// before it failed, or after the head start.
async fn race<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = addresses.into_iter();
    let mut running: Vec<BoxFuture<'static, io::Result<T>>> = Vec::new();
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let mut head_start = Timer::never();
    poll_fn(move |cx| {
        loop {
            let before = running.len();
            let mut index = 0;
            while let Some(attempt) = running.get_mut(index) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(socket)) => return Poll::Ready(Ok(socket)),
                    Poll::Ready(Err(failure)) => {
                        error = failure;
                        drop(running.remove(index));
                    }
                    Poll::Pending => index += 1,
                }
            }
            let failed = running.len() < before;
            if !failed && !running.is_empty() && Pin::new(&mut head_start).poll(cx).is_pending() {
                return Poll::Pending;
            }
            match waiting.next() {
                Some(address) => {
                    running.push(Box::pin(connect(address)));
                    head_start.set_after(HEAD_START);
                }
                None if running.is_empty() => {
                    return Poll::Ready(Err(mem::replace(&mut error, io::ErrorKind::Other.into())));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::pin::pin;
    use std::sync::{Arc, Mutex};

    use futures_lite::future::{block_on, poll_once};
    use smol::channel;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_the_first_stays_first() {
        let sorted = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address);
        let turns = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(address);
        assert_eq!(alternate(sorted.to_vec()), turns);
        assert_eq!(alternate(Vec::new()), []);
    }

    #[test]
    fn an_address_that_refuses_gives_way_to_the_next() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = open.local_addr().unwrap();
        let race = |addresses| block_on(race(addresses, TcpStream::connect));
        assert_eq!(race(vec![closed, closed, there]).unwrap().peer_addr().unwrap(), there);
        assert_eq!(race(vec![closed]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(race(Vec::new()).unwrap_err().kind(), io::ErrorKind::NotFound);
        let url = Url::parse(&format!("http://{there}/")).unwrap();
        assert!(block_on(connect(&url)).unwrap().nodelay().unwrap());
    }

    #[test]
    fn the_next_address_is_tried_at_once_after_a_failure_and_after_the_head_start_in_silence() {
        let [slow, refuses] = ["[::1]:1", "1.1.1.1:1"].map(address);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (last, gone) = channel::bounded::<()>(1);
        let connect = |address| {
            let (asked, last, gone) = (Arc::clone(&asked), last.clone(), gone.clone());
            async move {
                asked.lock().unwrap().push(address);
                if address == refuses {
                    last.close();
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                let _ = gone.recv().await;
                Ok(address)
            }
        };
        let mut both = pin!(race(vec![slow, refuses], connect));
        assert!(block_on(poll_once(both.as_mut())).is_none());
        assert_eq!(*asked.lock().unwrap(), [slow]);
        assert_eq!(block_on(both).unwrap(), slow, "one is still on its way");
        let race = race(vec![refuses, slow], connect);
        assert_eq!(block_on(poll_once(race)).unwrap().unwrap(), slow);
    }
}
