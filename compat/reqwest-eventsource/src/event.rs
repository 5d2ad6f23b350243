//! The items of an [`EventSource`](crate::EventSource), and its state.

use eventsource_stream::Event as MessageEvent;

/// What an [`EventSource`](crate::EventSource) yields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// A connection was made, and its response is an event stream.
    Open,
    /// An event of the stream.
    Message(MessageEvent),
}

impl From<MessageEvent> for Event {
    fn from(event: MessageEvent) -> Self {
        Self::Message(event)
    }
}

/// The ready state of an [`EventSource`](crate::EventSource) (9.2.2).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum ReadyState {
    /// It waits for a response, or for the time to reconnect.
    Connecting = 0,
    /// It is connected.
    Open = 1,
    /// It is closed and yields nothing more.
    Closed = 2,
}
