//! Client for an asynchronous runtime: the driver of `sse-proto` as a `Stream`.

use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::{FusedStream, Stream};
use proto::{ClientEvent, ClientEventRef, CloseReason, Closed, Config, Driver, ReadyState};
use url::Url;

use super::trace::Trace;
use super::{Body, Client, Draft, Error, Head, Hooks, Http, Messages, TransportError};

/// An item of an [`EventSource`].
pub type Event = ClientEvent<Head, TransportError>;

/// An event that [`EventSource::next_event`] lends.
pub type EventRef<'a> = ClientEventRef<'a, Head, TransportError>;

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, with methods,
/// headers and bodies.
///
/// It is a [`Stream`] of [`Event`]s. A lost connection is an [`Event::Disconnected`], and the next
/// connection is made after its `delay`; so `?` ends a program only after a final error. An error
/// is the last item. A source ends without an error if it was [closed](Self::close), if the server
/// answered 204 (9.2.3), or if a response ended whose request is not repeated.
///
/// Dropping the source ends the connection (9.2.9). The source works only while it is polled, and
/// spawns nothing. The type of an adapter, such as `sse_tokio::EventSource`, has an example.
#[must_use = "an event source does nothing unless polled"]
pub struct EventSource<C: Client> {
    driver: Driver<Http<C>>,
    url: Url,
    trace: Trace,
}

/// A [`Client`] whose sources have a builder.
pub trait Build: Client + Sized {
    /// The builder type, by which a user configures a source.
    type Builder;

    /// Creates the builder of a source for `url`.
    fn builder(url: &str) -> Self::Builder;

    /// Builds the source.
    ///
    /// # Errors
    ///
    /// If the request is malformed, or the client cannot be set up.
    fn build(builder: Self::Builder) -> Result<EventSource<Self>, Error<Self::Body>>;
}

impl<C: Build> EventSource<C> {
    /// Creates a source that sends `GET` to `url`.
    ///
    /// # Errors
    ///
    /// If the URL is malformed, or TLS cannot be set up.
    pub fn get(url: impl AsRef<str>) -> Result<Self, Error<C::Body>> {
        C::build(C::builder(url.as_ref()))
    }

    /// Creates a source that sends the given request.
    ///
    /// # Errors
    ///
    /// If the request is malformed, or TLS cannot be set up.
    pub fn new(request: impl Into<C::Builder>) -> Result<Self, Error<C::Body>> {
        C::build(request.into())
    }

    /// Creates the builder of a source for `url`. A builder can also be made [from](From) a
    /// request.
    pub fn builder(url: impl AsRef<str>) -> C::Builder {
        C::builder(url.as_ref())
    }
}

impl<C: Client> EventSource<C> {
    /// Creates a source that sends `request` through `client` when it is first polled.
    ///
    /// # Errors
    ///
    /// If the request is malformed.
    pub fn with_client(
        request: Draft,
        mut config: Config,
        hooks: Hooks,
        client: C,
    ) -> Result<Self, Error<C::Body>> {
        let template = request.finish(&mut config).map_err(Error::request)?;
        let url = template.url().clone();
        let trace = Trace::new(&url);
        // The time for the head is kept by the transport, which knows when the request is sent.
        let machine =
            proto::EventSource::new(config.clone().with_head_timeout(None), RandomState::new().hash_one(()));
        let driver = Driver::new(machine, Http::new(template, config, hooks, client));
        Ok(Self { driver, url, trace })
    }

    /// Waits for the next event and lends it, without allocating for it; `None` after the end.
    ///
    /// Cancel safe: dropping the future, for example in a `select!`, loses no event.
    ///
    /// After a dropped future the connection stays open. Bytes that arrive are kept until the next
    /// call, and the time until that call does not count for the idle and event timeouts; it counts
    /// for the timeouts of connecting and of the head.
    ///
    /// # Errors
    ///
    /// If the source failed. `None` follows.
    pub async fn next_event(&mut self) -> Option<Result<EventRef<'_>, Error<C::Body>>> {
        let Self { driver, trace, .. } = self;
        let message = |event| Some(Ok(EventRef::Message(event)));
        let mut next = pin!(driver.next_with(message, |next| report(trace, next)));
        poll_fn(|cx| trace.in_scope(|| next.as_mut().poll(cx))).await
    }

    /// Turns the source into its messages alone, up to an end marker, as text or as JSON: for the
    /// streamed answer of a language model.
    pub fn messages(self) -> Messages<Self> {
        Messages::new(self)
    }

    /// The URL of the request, without its credentials. The URL of a response is in its [`Head`].
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        self.driver.source().ready_state()
    }

    /// Why the source closed, even if without an error; `None` while it is not closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.driver.source().close_reason()
    }

    /// The last event ID string (9.2.4): the ID of the last block that set one, sent when the
    /// source reconnects.
    pub fn last_event_id(&self) -> &str {
        self.driver.source().last_event_id()
    }

    /// Closes the source at once and for good: nothing more is delivered, not even events that were
    /// already received.
    pub fn close(&mut self) {
        self.driver.close();
    }

    /// After [`Event::Disconnected`]: replaces the announced delay with `delay`, counted from the
    /// disconnection.
    pub fn retry_after(&mut self, delay: Duration) {
        self.driver.retry_after(delay);
    }

    /// Drops the connection until [`resume`](Self::resume), for example while an application is in
    /// the background; polls of a suspended source are pending. If the request was sent and may not
    /// be repeated, the source ends instead.
    pub fn suspend(&mut self) {
        self.driver.suspend();
    }

    /// Ends a suspension: the next poll connects, and resumes after the last event ID.
    pub fn resume(&mut self) {
        self.driver.resume();
    }
}

impl<C: Client> Stream for EventSource<C> {
    type Item = Result<Event, Error<C::Body>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { driver, trace, .. } = self.get_mut();
        trace.in_scope(|| {
            driver.poll_with(
                cx,
                |event| Some(Ok(Event::Message(event.into()))),
                |next| Some(report(trace, next)?.map(EventRef::into_owned)),
            )
        })
    }
}

/// The report of a driver: an event, the end, or `None` after the end.
type Reported<'a, B> = Option<Result<EventRef<'a>, Box<Closed<Head, Body<B>, TransportError>>>>;

/// Traces what a driver reports, and turns its end into the source's last item: an error, or none.
fn report<'a, B>(trace: &Trace, next: Reported<'a, B>) -> Option<Result<EventRef<'a>, Error<B>>> {
    match next? {
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

impl<C: Client> fmt::Debug for EventSource<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is left out, because its query contains secrets.
        f.debug_struct("EventSource").field("driver", &self.driver).finish_non_exhaustive()
    }
}

impl<C: Client> FusedStream for EventSource<C> {
    fn is_terminated(&self) -> bool {
        self.driver.is_done()
    }
}
