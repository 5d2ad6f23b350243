//! Drives a connection to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep, timeout};

use super::activity::{Activity, Verdict, Watch};
use super::{Limits, PATIENCE};

/// How long an idle connection has for its end when others wait for its place.
const HASTE: Duration = Duration::from_secs(1);

pin_project! {
    /// Drives a connection until it ends, is idle or stuck, or the server has shut it down.
    ///
    /// A server holds many of them, so the future has no more state than it needs, in one
    /// allocation with the connection.
    pub(super) struct Follow<C> {
        #[pin]
        connection: C,
        activity: Arc<Activity>,
        limits: Arc<Limits>,
        phase: Phase,
        multiplexed: bool,
    }
}

/// A connection of either version of HTTP.
pub(super) trait Connection {
    /// Drives the connection; ready at its end.
    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Tells the connection to end after the requests that are under way.
    fn shut_down(self: Pin<&mut Self>);
}

impl<C: GracefulConnection> Connection for C {
    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx).map(drop)
    }

    fn shut_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How far a connection is.
enum Phase {
    /// A stream is all that the connection has. Nothing is waited for: the stream is never idle,
    /// and ends when the server shuts down.
    Streaming,
    /// A timer and the shutdown signal decide when the connection has to end.
    Watched(Pin<Box<dyn Future<Output = Leave> + Send>>),
    /// Asked to end, because the server shuts down.
    ShutDown,
    /// Asked to end, because it was idle; dropped after this time. A request that crosses the
    /// GOAWAY is still answered.
    Leaving(Pin<Box<Sleep>>),
}

/// How a watched connection has to end.
enum Leave {
    /// The server shuts down.
    ShutDown,
    /// The connection is idle and has this long to end.
    Idle(Duration),
    /// The connection is stuck and is dropped at once.
    Stuck,
}

impl<C> Follow<C> {
    /// `multiplexed` is true for HTTP/2, where a stream is a task of its own and other requests
    /// come beside it.
    pub(super) fn new(
        connection: C,
        activity: Arc<Activity>,
        limits: Arc<Limits>,
        multiplexed: bool,
    ) -> Self {
        let phase = Phase::watched(&activity, &limits);
        Self { connection, activity, limits, phase, multiplexed }
    }
}

impl Phase {
    fn watched(activity: &Arc<Activity>, limits: &Arc<Limits>) -> Self {
        Self::Watched(Box::pin(watch(Arc::clone(activity), Arc::clone(limits))))
    }
}

/// Looks at a connection every few seconds until it has to end.
async fn watch(activity: Arc<Activity>, limits: Arc<Limits>) -> Leave {
    let mut closing = limits.closing.clone();
    let mut watch = Watch::new(&activity);
    let period = limits.idle.min(PATIENCE);
    while timeout(period, closing.wait_for(|closing| *closing)).await.is_err() {
        let crowded = limits.places.available_permits() == 0;
        let (idle, grace) = if crowded { (PATIENCE, HASTE) } else { (limits.idle, PATIENCE) };
        match watch.look(&activity, idle) {
            Verdict::Healthy => {}
            Verdict::Idle => return Leave::Idle(grace),
            Verdict::Stuck => return Leave::Stuck,
        }
    }
    Leave::ShutDown
}

impl<C: Connection> Future for Follow<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if this.connection.as_mut().poll_end(cx).is_ready() {
                return Poll::Ready(());
            }
            let leave = match this.phase {
                // The body of HTTP/1.1 has just been polled, and wakes this task when it goes on.
                Phase::Streaming | Phase::Watched(_)
                    if !*this.multiplexed && this.activity.is_streaming() =>
                {
                    *this.phase = Phase::Streaming;
                    return Poll::Pending;
                }
                Phase::Streaming => {
                    *this.phase = Phase::watched(this.activity, this.limits);
                    continue;
                }
                Phase::Watched(leave) => ready!(leave.as_mut().poll(cx)),
                Phase::ShutDown => return Poll::Pending,
                Phase::Leaving(rest) => return rest.as_mut().poll(cx),
            };
            *this.phase = match leave {
                Leave::ShutDown => Phase::ShutDown,
                Leave::Idle(grace) => Phase::Leaving(Box::pin(sleep(grace))),
                Leave::Stuck => return Poll::Ready(()),
            };
            this.connection.as_mut().shut_down();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;

    use http::header::HeaderValue;
    use tokio::sync::{Semaphore, watch};

    use super::super::super::super::metrics::Counters;
    use super::super::activity::UnderWay;
    use super::*;

    /// Connection that never ends, and records the request to end.
    struct Endless(Arc<AtomicBool>);

    impl Connection for Endless {
        fn poll_end(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }

        fn shut_down(self: Pin<&mut Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    struct Fixture {
        follow: Pin<Box<Follow<Endless>>>,
        activity: Arc<Activity>,
        asked: Arc<AtomicBool>,
        close: watch::Sender<bool>,
    }

    impl Fixture {
        fn new(multiplexed: bool) -> Self {
            let counters = Counters::new();
            let connections = counters.listener("tcp");
            let (close, closing) = watch::channel(false);
            let limits = Limits {
                idle: Duration::from_secs(75),
                announced: HeaderValue::from_static("timeout=75"),
                places: Arc::new(Semaphore::new(1)),
                loopback: true,
                closing,
                counters,
                connections,
            };
            let (activity, asked) = (Arc::new(Activity::default()), Arc::default());
            let connection = Endless(Arc::clone(&asked));
            let follow =
                Box::pin(Follow::new(connection, Arc::clone(&activity), Arc::new(limits), multiplexed));
            Self { follow, activity, asked, close }
        }

        /// Polls once; returns whether the connection is over.
        fn poll(&mut self) -> bool {
            self.follow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        }

        /// Returns whether the connection is over after this time.
        async fn after(&mut self, seconds: u64) -> bool {
            tokio::time::timeout(Duration::from_secs(seconds), self.follow.as_mut()).await.is_ok()
        }

        fn is_asked_to_end(&self) -> bool {
            self.asked.load(Ordering::Relaxed)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_http_1_waits_for_nothing_but_its_connection() {
        let mut server = Fixture::new(false);
        let stream = UnderWay::new(&server.activity).stream();
        assert!(!server.poll());
        assert!(matches!(server.follow.phase, Phase::Streaming));
        assert!(!server.after(1000).await && !server.is_asked_to_end());
        drop(stream);
        assert!(!server.poll());
        assert!(matches!(server.follow.phase, Phase::Watched(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_idles_after_its_stream_is_asked_to_end_and_then_dropped() {
        for multiplexed in [false, true] {
            let mut server = Fixture::new(multiplexed);
            drop(UnderWay::new(&server.activity).stream());
            assert!(!server.after(74).await && !server.is_asked_to_end());
            assert!(!server.after(10).await && server.is_asked_to_end());
            assert!(server.after(10).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_reaches_http_2_at_once_and_http_1_after_its_stream() {
        for multiplexed in [false, true] {
            let mut server = Fixture::new(multiplexed);
            let stream = UnderWay::new(&server.activity).stream();
            assert!(!server.poll());
            server.close.send_replace(true);
            assert!(!server.poll());
            assert_eq!(server.is_asked_to_end(), multiplexed);
            drop(stream);
            assert!(!server.poll());
            assert!(server.is_asked_to_end());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_hears_of_the_shutdown_so_that_its_response_says_close() {
        let mut server = Fixture::new(false);
        let _request = UnderWay::new(&server.activity);
        assert!(!server.poll());
        server.close.send_replace(true);
        assert!(!server.poll());
        assert!(server.is_asked_to_end());
    }
}
