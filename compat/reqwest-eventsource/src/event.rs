//! The items of an [`EventSource`](crate::EventSource), and its state.

use eventsource_stream::Event as MessageEvent;

/// An item of an [`EventSource`](crate::EventSource).
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
    /// The source waits for a response, or for the time to reconnect.
    Connecting = 0,
    /// The source is connected.
    Open = 1,
    /// The source is closed and yields nothing more.
    Closed = 2,
}
