//! The client with everything that HTTP adds.

use std::fmt;
use std::iter::FusedIterator;
use std::time::Duration;

use proto::{ClientEventRef, CloseReason, ReadyState};
use sse_http::client::{Messages, Url};

use super::{Builder, Error, Event, EventRef, Http};
use crate::{Closer, Driver};

/// A client of Server-Sent Events that reconnects: the browser's `EventSource`, with methods,
/// headers and bodies.
///
/// It is an [`Iterator`] of [`Event`]s. A lost connection is an [`Event::Disconnected`], and the
/// next connection follows after the delay that it names; so `?` ends a program only when there is
/// nothing more to hope for. An error is the last item; a source that ends without one was
/// [closed](Self::close), got a 204 from the server, which ends a client for good, or reached the
/// end of a request that is not repeated.
///
/// It reads the socket only during a call. Another thread ends it by its
/// [`Closer`].
///
/// # Example
///
/// ```no_run
/// use sse_blocking::{Event, EventSource};
///
/// # fn example() -> Result<(), sse_blocking::Error> {
/// for event in EventSource::get("http://127.0.0.1:8080/events")? {
///     match event? {
///         Event::Open(head) => println!("open, {}", head.status),
///         Event::Message(message) => println!("{}: {}", message.event(), message.data()),
///         Event::Disconnected { cause, delay, .. } => println!("{cause}, again in {delay:?}"),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
pub struct EventSource {
    pub(super) driver: Driver<Http>,
    pub(super) url: Url,
}

impl EventSource {
    /// A source of the events at `url`.
    ///
    /// # Errors
    ///
    /// The URL is malformed.
    pub fn get(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// A source of the events that a request of yours answers with.
    ///
    /// # Errors
    ///
    /// The request is malformed.
    pub fn new(request: impl Into<Builder>) -> Result<Self, Error> {
        request.into().build()
    }

    /// Begins to build a source of the events at `url`. A builder can also be made [from](From) a
    /// request.
    pub fn builder(url: impl AsRef<str>) -> Builder {
        Builder::get(url.as_ref())
    }

    /// Lends what happens next, without allocating for it; `None` when it is over.
    ///
    /// # Errors
    ///
    /// The source failed. `None` follows.
    pub fn next_event(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        match self.driver.next_event()? {
            Ok(event) => Some(Ok(event)),
            Err(closed) => Error::failure(closed).map(Err),
        }
    }

    /// The next item, for `?`: what `TryStreamExt::try_next` is for an asynchronous source.
    ///
    /// # Errors
    ///
    /// The source failed. `None` follows.
    pub fn try_next(&mut self) -> Result<Option<Event>, Error> {
        self.next().transpose()
    }

    /// The messages alone, up to an end marker, as text or as JSON: for the answer of a language
    /// model.
    pub fn messages(self) -> Messages<Self> {
        Messages::new(self)
    }

    /// The URL that is connected to, without its credentials. That of a response is in its
    /// [`Head`](super::Head).
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        self.driver.ready_state()
    }

    /// Why it is over, also without an error; `None` as long as it is not.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.driver.close_reason()
    }

    /// The last event ID string (9.2.4): the ID of the last block that had one, sent when
    /// reconnecting.
    pub fn last_event_id(&self) -> &str {
        self.driver.last_event_id()
    }

    /// Ends the connection, at once and for good: nothing more is delivered, not even events that
    /// were received.
    pub fn close(&mut self) {
        self.driver.close();
    }

    /// Handle by which another thread closes this source, even while a call blocks.
    pub fn closer(&self) -> Closer {
        self.driver.closer()
    }

    /// After [`Event::Disconnected`]: connects after this delay, counted from then, instead of the
    /// announced one.
    pub fn retry_after(&mut self, delay: Duration) {
        self.driver.retry_after(delay);
    }

    /// Drops the connection until [`resume`](Self::resume). Asked for an event meanwhile, a
    /// suspended source blocks until a [`Closer`] ends it. A source whose request was sent and may
    /// not be repeated ends instead.
    pub fn suspend(&mut self) {
        self.driver.suspend();
    }

    /// Ends a suspension: the next call connects, and goes on after the last event ID.
    pub fn resume(&mut self) {
        self.driver.resume();
    }
}

impl Iterator for EventSource {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.next_event()?.map(ClientEventRef::into_owned))
    }
}

impl FusedIterator for EventSource {}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL, which has secrets in its query.
        f.debug_struct("EventSource").field("driver", &self.driver).finish_non_exhaustive()
    }
}
