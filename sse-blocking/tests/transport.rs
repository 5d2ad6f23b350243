//! Tests of the blocking driver with closures as transports.
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sse_blocking::{
    Attempt, Body, Cause, ClientEvent, CloseReason, Config, Driver, NoTimeout, PlainHead, ReadyState,
    ReconnectPolicy,
};

fn head(status: u16) -> PlainHead {
    PlainHead { status, content_type: Some("text/event-stream".into()), ..PlainHead::default() }
}

fn config() -> Config {
    let policy = ReconnectPolicy::default().with_initial(Duration::ZERO);
    Config::default().with_policy(policy)
}

/// A silent body that waits exactly for the timeout of a read.
struct Silent;

impl Body for Silent {
    fn read(&mut self, _: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        thread::sleep(timeout.expect("a liveness clock runs"));
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A body whose connection the kernel gave up.
struct TimedOut;

impl Body for TimedOut {
    fn read(&mut self, _: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
        assert_eq!(timeout, None);
        Err(io::ErrorKind::TimedOut.into())
    }
}

#[test]
fn a_read_timeout_without_a_limit_is_an_error() {
    let config = Config::default().with_policy(ReconnectPolicy::never());
    let mut source = Driver::new(config, |_: Attempt<'_>| Ok((head(200), TimedOut)));
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Open(_)))));
    let closed = source.next().unwrap().unwrap_err();
    assert_eq!(closed.reason, CloseReason::GaveUp { cause: Cause::Transport, attempts: 0 });
    assert_eq!(closed.error.unwrap().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_closure_is_a_transport() {
    let mut requests = Vec::new();
    let source = Driver::new(config(), |attempt: Attempt<'_>| {
        requests.push((attempt.request.last_event_id.map(str::to_owned), attempt.request.attempt));
        Ok(match requests.len() {
            1 => (head(200), NoTimeout(&b"id: 1\ndata: a\n\ndata: lost"[..])),
            2 => return Err(io::ErrorKind::ConnectionReset.into()),
            3 => (head(200), NoTimeout(&b"data: b\n\n"[..])),
            _ => (head(204), NoTimeout(&b""[..])),
        })
    });
    let mut data = Vec::new();
    let mut errors = Vec::new();
    for event in source {
        match event.unwrap() {
            ClientEvent::Message(message) => data.push(message.into_data()),
            ClientEvent::Disconnected { cause, .. } => {
                errors.push((cause.cause(), cause.error().map(io::Error::kind)))
            }
            _ => {}
        }
    }
    assert_eq!(data, ["a", "b"]);
    let reset = Some(io::ErrorKind::ConnectionReset);
    assert_eq!(errors, [(Cause::EventCut, None), (Cause::Transport, reset), (Cause::EndOfStream, None)]);
    let one = || Some("1".to_owned());
    assert_eq!(requests, [(None, 0), (one(), 1), (one(), 2), (one(), 1)]);
}

#[test]
fn an_interrupted_read_is_repeated() {
    struct Interrupted(bool);

    impl Body for Interrupted {
        fn read(&mut self, buffer: &mut [u8], _: Option<Duration>) -> io::Result<usize> {
            if !std::mem::replace(&mut self.0, true) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            io::Read::read(&mut &b"data: a\n\n"[..], buffer)
        }
    }

    let mut source = Driver::new(config(), |_: Attempt<'_>| Ok((head(200), Interrupted(false))));
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Open(_)))));
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Message(message))) if message.data() == "a"));
}

#[test]
fn a_socket_is_a_body_with_a_timeout() {
    fn assert_body(mut body: impl Body, mut peer: impl io::Write) {
        let buffer = &mut [0; 8];
        // A socket takes zero as an error, not as a timeout.
        let kind = body.read(buffer, Some(Duration::ZERO)).unwrap_err().kind();
        assert!(matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{kind:?}");
        peer.write_all(b"abc").unwrap();
        assert_eq!(body.read(buffer, None).unwrap(), 3);
        assert_eq!(&buffer[..3], b"abc");
        drop(peer);
        assert_eq!(body.read(buffer, Some(Duration::MAX)).unwrap(), 0);
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert_body(Box::new(listener.accept().unwrap().0) as Box<dyn Body>, peer);
    #[cfg(unix)]
    {
        let (socket, peer) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_body(socket, peer);
    }
}

#[test]
fn the_interrupt_callback_is_dropped_with_its_connection() {
    let held = Arc::new(());
    let mut source = Driver::new(config(), |attempt: Attempt<'_>| {
        let held = Arc::clone(&held);
        attempt.on_close(move || drop(held));
        Ok((head(200), NoTimeout(io::empty())))
    });
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Open(_)))));
    assert_eq!(Arc::strong_count(&held), 2);
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Disconnected { .. }))));
    assert_eq!(Arc::strong_count(&held), 1, "it may hold the connection open");
}

#[test]
fn retry_after_replaces_the_announced_delay() {
    let policy = ReconnectPolicy::default().with_initial(Duration::MAX).with_max(Duration::MAX);
    let mut answers = vec![head(204), head(200)];
    let mut source = Driver::new(Config::default().with_policy(policy), |_: Attempt<'_>| {
        Ok((answers.pop().unwrap(), NoTimeout(io::empty())))
    });
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Open(_)))));
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Disconnected { .. }))));
    source.retry_after(Duration::ZERO);
    assert!(source.next().is_none(), "204");
}

#[test]
fn some_errors_are_final() {
    let mut source = Driver::new(config(), |_: Attempt<'_>| -> io::Result<(PlainHead, Silent)> {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "no such host"))
    });
    let closed = source.next().unwrap().unwrap_err();
    assert_eq!(closed.reason, CloseReason::Transport);
    assert_eq!(closed.error.unwrap().to_string(), "no such host");
    assert!(source.next().is_none());
}

#[test]
fn a_rejected_response_can_be_read() {
    let mut source = Driver::new(config(), |_: Attempt<'_>| Ok((head(401), NoTimeout(&b"no key"[..]))));
    let closed = source.next().unwrap().unwrap_err();
    assert_eq!(closed.to_string(), "the server answered with status 401 instead of 200");
    let (head, mut body) = closed.response.unwrap();
    assert_eq!(head.status, 401);
    let mut buffer = [0; 16];
    let length = body.read(&mut buffer, None).unwrap();
    assert_eq!(&buffer[..length], b"no key");
}

#[test]
fn silence_is_detected_by_a_read_timeout() {
    let mut count = 0;
    let config = config().with_idle_timeout(Duration::from_millis(2));
    let mut source = Driver::new(config, |_: Attempt<'_>| {
        count += 1;
        Ok((head(if count < 3 { 200 } else { 204 }), Silent))
    });
    let mut causes = Vec::new();
    while let Some(event) = source.next_event() {
        if let ClientEvent::Disconnected { cause, .. } = event.unwrap() {
            causes.push(cause.cause());
        }
    }
    assert_eq!(causes, [Cause::IdleTimeout; 2]);
    assert_eq!(source.close_reason(), Some(CloseReason::NoContent));
}

#[test]
fn a_connection_that_is_late_has_a_name() {
    let mut count = 0;
    let config = config().with_head_timeout(Duration::from_millis(2));
    let source = Driver::new(config, |attempt: Attempt<'_>| {
        count += 1;
        if count == 2 {
            return Ok((head(204), Silent));
        }
        thread::sleep(attempt.timeout.unwrap());
        Err(io::ErrorKind::TimedOut.into())
    });
    let events: Vec<_> = source.map(Result::unwrap).collect();
    assert!(matches!(
        &events[..],
        [ClientEvent::Disconnected { cause, .. }] if cause.cause() == Cause::HeadTimeout && cause.error().is_some()
    ));
}

#[test]
fn close_delivers_nothing_more() {
    let mut source = Driver::new(config(), |_: Attempt<'_>| {
        Ok((head(200), NoTimeout(&b"id: 1\ndata: a\n\ndata: b\n\n"[..])))
    });
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Open(_)))));
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Message(_)))));
    source.close();
    assert!(source.next().is_none());
    assert_eq!((source.ready_state(), source.last_event_id()), (ReadyState::Closed, "1"));
}

#[test]
fn a_closer_ends_the_wait_for_a_reconnection() {
    let policy = ReconnectPolicy::default().with_initial(Duration::from_secs(3600)).with_max(Duration::MAX);
    let config = Config::default().with_policy(policy);
    let mut source = Driver::new(config, |_: Attempt<'_>| -> io::Result<(PlainHead, Silent)> {
        Err(io::ErrorKind::Other.into())
    });
    assert!(matches!(source.next(), Some(Ok(ClientEvent::Disconnected { .. }))));
    let closer = source.closer();
    let thread = thread::spawn(move || closer.close());
    assert!(source.next().is_none());
    thread.join().unwrap();
}

#[test]
fn a_source_closed_before_its_first_event_never_connects() {
    let source = Driver::new(config(), |_: Attempt<'_>| -> io::Result<(PlainHead, Silent)> {
        panic!("there is nothing to connect for");
    });
    source.closer().close();
    assert_eq!(source.count(), 0);
}
