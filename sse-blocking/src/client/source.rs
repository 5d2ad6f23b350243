//! Client over ureq, with the HTTP rules of `sse-http`.

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
/// next connection is made after its `delay`; so `?` ends a program only after a final error. An
/// error is the last item. A source ends without an error if it was [closed](Self::close), if the
/// server answered 204 (9.2.3), or if a response ended whose request is not repeated.
///
/// The source reads the socket only during a call. Another thread can end it with a [`Closer`].
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
    /// Creates a source that sends `GET` to `url`.
    ///
    /// # Errors
    ///
    /// If the URL is malformed.
    pub fn get(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// Creates a source that sends the given request.
    ///
    /// # Errors
    ///
    /// If the request is malformed.
    pub fn new(request: impl Into<Builder>) -> Result<Self, Error> {
        request.into().build()
    }

    /// Creates the builder of a source for `url`. A builder can also be made [from](From) a
    /// request.
    pub fn builder(url: impl AsRef<str>) -> Builder {
        Builder::get(url.as_ref())
    }

    /// Waits for the next event and lends it, without allocating for it; `None` after the end.
    ///
    /// # Errors
    ///
    /// If the source failed. `None` follows.
    pub fn next_event(&mut self) -> Option<Result<EventRef<'_>, Error>> {
        match self.driver.next_event()? {
            Ok(event) => Some(Ok(event)),
            Err(closed) => Error::failure(closed).map(Err),
        }
    }

    /// The next item, for use with `?`: what `TryStreamExt::try_next` is for an asynchronous
    /// source.
    ///
    /// # Errors
    ///
    /// If the source failed. `None` follows.
    pub fn try_next(&mut self) -> Result<Option<Event>, Error> {
        self.next().transpose()
    }

    /// Turns the source into its messages alone, up to an end marker, as text or as JSON: for the
    /// streamed answer of a language model.
    pub fn messages(self) -> Messages<Self> {
        Messages::new(self)
    }

    /// The URL of the request, without its credentials. The URL of a response is in its
    /// [`Head`](super::Head).
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        self.driver.ready_state()
    }

    /// Why the source closed, even if without an error; `None` while it is not closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.driver.close_reason()
    }

    /// The last event ID string (9.2.4): the ID of the last block that set one, sent when the
    /// source reconnects.
    pub fn last_event_id(&self) -> &str {
        self.driver.last_event_id()
    }

    /// Closes the source at once and for good: nothing more is delivered, not even events that were
    /// already received.
    pub fn close(&mut self) {
        self.driver.close();
    }

    /// Returns a handle by which another thread closes this source, even while a call blocks.
    pub fn closer(&self) -> Closer {
        self.driver.closer()
    }

    /// After [`Event::Disconnected`]: replaces the announced delay with `delay`, counted from the
    /// disconnection.
    pub fn retry_after(&mut self, delay: Duration) {
        self.driver.retry_after(delay);
    }

    /// Drops the connection until [`resume`](Self::resume). A call for an event blocks meanwhile,
    /// until a [`Closer`] ends the source. If the request was sent and may not be repeated, the
    /// source ends instead.
    pub fn suspend(&mut self) {
        self.driver.suspend();
    }

    /// Ends a suspension: the next call connects, and resumes after the last event ID.
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
        // The URL is left out, because its query contains secrets.
        f.debug_struct("EventSource").field("driver", &self.driver).finish_non_exhaustive()
    }
}
