//! The client itself: the core's driver under a `Stream`, and lent.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use proto::{ClientEvent, ClientEventRef, CloseReason, Driver, ReadyState};
use reqwest::{IntoUrl, RequestBuilder, Url};

use super::trace::Trace;
use super::transport::{Head, Http};
use super::{Builder, Error, TransportError};

/// What an [`EventSource`] yields.
pub type Event = ClientEvent<Head, TransportError>;

/// What [`EventSource::next_event`] lends.
pub type EventRef<'a> = ClientEventRef<'a, Head, TransportError>;

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, with methods, headers and bodies.
///
/// It is a [`Stream`] of [`Event`]s. A connection that is lost is an [`Event::Disconnected`], and the next follows after the
/// delay that it names; so `?` ends a program only when there is nothing more to hope for. An error is the last item; a
/// source that ends without one was [closed](Self::close), told by the server to stay away (204), or came to the
/// end of a request that is not to be repeated.
///
/// Dropping it ends the connection. It works while it is polled, and spawns nothing.
///
/// # Example
///
/// ```no_run
/// use futures_util::TryStreamExt;
/// use sse_tokio::{Event, EventSource};
///
/// # async fn example() -> Result<(), sse_tokio::Error> {
/// let mut source = EventSource::get("http://127.0.0.1:8080/events")?;
/// while let Some(event) = source.try_next().await? {
///     match event {
///         Event::Open(head) => println!("open, {}", head.status),
///         Event::Message(message) => println!("{}: {}", message.event(), message.data()),
///         Event::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "an event source does nothing unless polled"]
pub struct EventSource {
    pub(super) driver: Driver<Http>,
    pub(super) url: Url,
    pub(super) trace: Trace,
}

impl EventSource {
    /// A source of the events at `url`.
    ///
    /// # Errors
    ///
    /// The URL is malformed, or the TLS of the client cannot be set up.
    pub fn get(url: impl IntoUrl) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// A source of the events that a request of yours answers with, sent by the client that made it.
    ///
    /// # Errors
    ///
    /// The request is malformed.
    pub fn new(request: RequestBuilder) -> Result<Self, Error> {
        Builder::from(request).build()
    }

    /// Begins to build a source of the events at `url`; see also [`Builder::from`] a [`RequestBuilder`].
    pub fn builder(url: impl IntoUrl) -> Builder {
        Builder::new(url)
    }

    /// Lends what happens next, without allocating for it; `None` when it is over.
    ///
    /// Cancel safe: a future that is dropped, in a `select!` say, has lost nothing.
    ///
    /// # Errors
    ///
    /// It is over, and not by anybody's wish. `None` follows.
    pub async fn next_event(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        let Self { driver, trace, .. } = self;
        let mut next = pin!(driver.next());
        match poll_fn(|cx| trace.in_scope(|| next.as_mut().poll(cx))).await? {
            Ok(event) => {
                trace.event(&event);
                Some(Ok(event))
            }
            Err(closed) => {
                trace.closed(&closed.reason);
                Error::failure(closed).map(Err)
            }
        }
    }

    /// The URL that is connected to, without its credentials. That of a response is in its [`Head`].
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        self.driver.source().ready_state()
    }

    /// Why it is over, also when no error told; `None` as long as it is not.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.driver.source().close_reason()
    }

    /// The last event ID string: that of the last block that had an ID, sent when reconnecting.
    pub fn last_event_id(&self) -> &str {
        self.driver.source().last_event_id()
    }

    /// Ends the connection, at once and for good: nothing more is delivered, not even of what was received.
    pub fn close(&mut self) {
        self.driver.close();
    }

    /// After [`Event::Disconnected`]: connects after this delay, counted from then, in the place of the one that was named.
    pub fn retry_after(&mut self, delay: Duration) {
        self.driver.retry_after(delay);
    }

    /// Gives up the connection until [`resume`](Self::resume), for an application that is in the background: a source that is
    /// suspended is pending. One whose request was sent and may not be repeated ends instead.
    pub fn suspend(&mut self) {
        self.driver.suspend();
    }

    /// Ends a suspension: the next poll connects, and goes on after the last event ID.
    pub fn resume(&mut self) {
        self.driver.resume();
    }
}

impl Stream for EventSource {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        Poll::Ready(match ready!(this.trace.in_scope(|| this.driver.poll_owned(cx))) {
            Some(Ok(event)) => {
                this.trace.event(&event);
                Some(Ok(event))
            }
            Some(Err(closed)) => {
                this.trace.closed(&closed.reason);
                Error::failure(closed).map(Err)
            }
            None => None,
        })
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL, which has secrets in its query.
        f.debug_struct("EventSource").field("driver", &self.driver).finish_non_exhaustive()
    }
}

impl FusedStream for EventSource {
    fn is_terminated(&self) -> bool {
        self.driver.is_done()
    }
}
