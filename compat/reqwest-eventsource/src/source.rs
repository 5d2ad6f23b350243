//! The client: connects, reads, waits, and connects again.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use eventsource_stream::EventStream;
use futures_core::Stream;
use futures_timer::Delay;
use reqwest::{IntoUrl, RequestBuilder, Response};

use crate::request::{ResponseFuture, Template, check};
use crate::retry::{DEFAULT_RETRY, RetryPolicy};
use crate::{CannotCloneRequestError, Error, Event, ReadyState};

#[cfg(not(target_arch = "wasm32"))]
type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;
#[cfg(target_arch = "wasm32")]
type Body = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>>>>;

type BoxedPolicy = Box<dyn RetryPolicy + Send + Unpin + 'static>;

/// How long a connection has to be open to count as a success without an event.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// The longest delay for the timer, 24 days: the timers of browsers overflow after 2^31 ms.
const LONGEST_DELAY: Duration = Duration::from_millis(i32::MAX as u64);

/// Follows an event stream and reconnects when a connection ends.
///
/// Each end of a connection is an [`Err`] of the stream, which does not end it: the [`RetryPolicy`]
/// decides. A response that is not an event stream is an `Err` too, and then the stream ends, as it
/// does after [`close`](Self::close).
///
/// The request is sent by the [`reqwest::Client`] that it belongs to, with that client's settings:
/// redirects, cookies, proxies, TLS.
pub struct EventSource {
    template: Template,
    policy: BoxedPolicy,
    state: State,
    /// The last event ID string. While a connection is open, its stream holds the current one.
    last_event_id: String,
    /// The number of retries since the last event, and the delay before the last of them.
    last_retry: Option<(usize, Duration)>,
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource").field("last_event_id", &self.last_event_id).finish_non_exhaustive()
    }
}

enum State {
    /// The request has to be sent.
    Unsent,
    Connecting(ResponseFuture),
    Open(Box<Connection>),
    /// The connection is lost, and the next one is made after the delay.
    Waiting(Delay),
    Closed,
}

struct Connection {
    events: EventStream<Body>,
    /// The last reconnection time that was given to the policy.
    reconnection_time: Option<Duration>,
    /// Timer that ends when the connection counts as a success.
    healthy: Delay,
}

impl EventSource {
    /// Follows the event stream that the server sends in response to the request, which is sent
    /// when the source is first polled.
    ///
    /// A `Last-Event-ID` header of the request sets the first last event ID.
    ///
    /// # Errors
    ///
    /// If the request cannot be cloned: its body is a stream, or it is not valid.
    pub fn new(builder: RequestBuilder) -> Result<Self, CannotCloneRequestError> {
        let (template, last_event_id) = Template::new(builder)?;
        let policy = Box::new(DEFAULT_RETRY);
        Ok(Self { template, policy, state: State::Unsent, last_event_id, last_retry: None })
    }

    /// Follows the event stream at a URL, with a new client.
    ///
    /// # Panics
    ///
    /// If the URL is not valid.
    pub fn get<T: IntoUrl>(url: T) -> Self {
        Self::new(reqwest::Client::new().get(url)).expect("the URL has to be valid")
    }

    /// Drops the connection and makes no new one: the stream ends.
    pub fn close(&mut self) {
        self.leave();
    }

    /// Sets the policy that decides when to reconnect. Default [`DEFAULT_RETRY`].
    pub fn set_retry_policy(&mut self, policy: BoxedPolicy) {
        self.policy = policy;
    }

    /// The last event ID string: the ID of the last block that set one, with or without data.
    pub fn last_event_id(&self) -> &str {
        match &self.state {
            State::Open(connection) => connection.events.last_event_id(),
            _ => &self.last_event_id,
        }
    }

    /// The ready state (9.2.2).
    pub fn ready_state(&self) -> ReadyState {
        match self.state {
            State::Unsent | State::Connecting(_) | State::Waiting(_) => ReadyState::Connecting,
            State::Open(_) => ReadyState::Open,
            State::Closed => ReadyState::Closed,
        }
    }

    fn open(&mut self, response: Response) {
        let body: Body = Box::pin(response.bytes_stream());
        let mut events = EventStream::new(body);
        events.set_last_event_id(self.last_event_id.as_str());
        let healthy = Delay::new(HEALTHY_AFTER);
        self.state = State::Open(Box::new(Connection { events, reconnection_time: None, healthy }));
    }

    /// Drops the connection, if there is one, and keeps the state that outlives it.
    fn leave(&mut self) -> Option<Box<Connection>> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Open(connection) => {
                connection.events.last_event_id().clone_into(&mut self.last_event_id);
                Some(connection)
            }
            _ => None,
        }
    }

    /// Handles a lost or failed connection: waits as the policy decides, or closes.
    fn lost(&mut self, error: Error, cx: &mut Context<'_>) -> Error {
        if let Some(mut connection) = self.leave()
            && Pin::new(&mut connection.healthy).poll(cx).is_ready()
        {
            self.last_retry = None;
        }
        if let Some(delay) = self.policy.retry(&error, self.last_retry) {
            let retries = self.last_retry.map_or(0, |(retries, _)| retries);
            self.last_retry = Some((retries.saturating_add(1), delay));
            self.state = State::Waiting(Delay::new(delay.min(LONGEST_DELAY)));
        }
        error
    }
}

impl Connection {
    /// Polls for the next event, and passes each reconnection time to the policy, also one from a
    /// block without data (9.2.6).
    fn poll(&mut self, policy: &mut BoxedPolicy, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        let next = Pin::new(&mut self.events).poll_next(cx);
        let time = self.events.reconnection_time();
        let again = matches!(&next, Poll::Ready(Some(Ok(event))) if event.retry.is_some());
        if let Some(time) = time.filter(|_| again || time != self.reconnection_time) {
            policy.set_reconnection_time(time);
        }
        self.reconnection_time = time;
        Poll::Ready(match ready!(next) {
            Some(Ok(event)) => Ok(event.into()),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::StreamEnded),
        })
    }
}

impl Stream for EventSource {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            return Poll::Ready(Some(match &mut this.state {
                State::Unsent => {
                    this.state = State::Connecting(this.template.send(&this.last_event_id));
                    continue;
                }
                State::Waiting(delay) => {
                    ready!(Pin::new(delay).poll(cx));
                    this.state = State::Unsent;
                    continue;
                }
                State::Connecting(response) => match ready!(response.as_mut().poll(cx)).map(check) {
                    Ok(Ok(response)) => {
                        this.open(response);
                        Ok(Event::Open)
                    }
                    Ok(Err(refused)) => {
                        this.leave();
                        Err(refused)
                    }
                    Err(error) => Err(this.lost(Error::Transport(error), cx)),
                },
                State::Open(connection) => match ready!(connection.poll(&mut this.policy, cx)) {
                    Ok(event) => {
                        this.last_retry = None;
                        Ok(event)
                    }
                    Err(error) => Err(this.lost(error, cx)),
                },
                State::Closed => return Poll::Ready(None),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The argument of the policy after a response without events; the connection was open for a
    /// minute if `healthy`.
    async fn retries_after(healthy: bool) -> Option<usize> {
        let mut source = EventSource::get("http://127.0.0.1:9/");
        source.last_retry = Some((3, Duration::ZERO));
        source.open(http::Response::new(": alive\n\n").into());
        if let State::Open(connection) = &mut source.state
            && healthy
        {
            connection.healthy = Delay::new(Duration::ZERO);
            (&mut connection.healthy).await;
        }
        let next = std::future::poll_fn(|cx| Pin::new(&mut source).poll_next(cx)).await;
        assert!(matches!(next, Some(Err(Error::StreamEnded))));
        source.last_retry.map(|(retries, _)| retries)
    }

    #[tokio::test]
    async fn a_connection_open_for_a_minute_resets_the_count_of_retries() {
        assert_eq!(retries_after(true).await, Some(1));
        assert_eq!(retries_after(false).await, Some(4));
    }
}
