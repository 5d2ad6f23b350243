//! Messages of a source without its other events, up to an end marker, as text or JSON: for the
//! streamed answer of a language model.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use proto::{ClientEvent, Message};

#[cfg(feature = "serde")]
use super::JsonError;
use super::MessagesError;

/// The messages of a source, without its connection events; made by `EventSource::messages`.
///
/// It is a [`Stream`] over an asynchronous source and an [`Iterator`] over a blocking one.
/// [`until`](Self::until) and [`until_event`](Self::until_event) set the end marker of an answer,
/// and `json` parses the data of each message.
///
/// Reconnections are invisible here. If a request is repeated after its response began
/// ([`Repeat::Always`](proto::Repeat::Always)), a server without event IDs sends its answer again
/// from the start. Dropping this value closes the connection.
///
/// # Example
///
/// ```
/// use sse_http::client::{Messages, MessagesError};
/// use sse_http::proto::{ClientEvent, Event, Message};
///
/// # type Answer = Result<ClientEvent<(), ()>, std::io::Error>;
/// let message = |data| Ok(ClientEvent::Message(Message::from(Event { event: "message", data, id: "" })));
/// let source: Vec<Answer> = vec![message("Hel"), message("lo"), message("[DONE]")];
/// let mut answer = Messages::new(source.into_iter()).until("[DONE]");
/// assert_eq!(answer.next().unwrap()?.data(), "Hel");
/// assert_eq!(answer.next().unwrap()?.data(), "lo");
/// assert!(answer.next().is_none());
///
/// let cut: Vec<Answer> = vec![message("Hel")];
/// let answer = Messages::new(cut.into_iter()).until("[DONE]");
/// assert!(matches!(answer.last(), Some(Err(MessagesError::Incomplete))));
/// # Ok::<(), MessagesError<std::io::Error>>(())
/// ```
#[must_use = "messages do nothing unless polled or iterated"]
pub struct Messages<S, T = Message> {
    source: S,
    end: Option<End>,
    decode: fn(Message) -> Result<Option<T>, Undecoded>,
    done: bool,
}

/// The end marker of an answer.
enum End {
    Data(String),
    Event(String),
}

#[cfg(feature = "serde")]
type Undecoded = (JsonError, Message);
#[cfg(not(feature = "serde"))]
type Undecoded = std::convert::Infallible;

impl<S> Messages<S> {
    /// Creates the messages of `source`.
    pub fn new(source: S) -> Self {
        Self { source, end: None, decode: |message| Ok(Some(message)), done: false }
    }

    /// Parses the data of each message as JSON, into a type that owns its text; messages with empty
    /// data are skipped.
    ///
    /// Data of another shape is [`MessagesError::Json`], with the message, for example an error
    /// object. The next item is the next message.
    #[cfg(feature = "serde")]
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Messages<S, T> {
        let decode = |message: Message| match message.data() {
            // MCP sends an ID without data first.
            "" => Ok(None),
            _ => message.json().map(Some).map_err(|error| (error.into(), message)),
        };
        Messages { source: self.source, end: self.end, decode, done: self.done }
    }
}

impl<S, T> Messages<S, T> {
    /// Sets the end marker to a message with this data, for example OpenAI's `[DONE]`. The marker
    /// itself is not yielded. It replaces a marker that was set before.
    ///
    /// If the source ends without the marker, the last item is [`MessagesError::Incomplete`]: the
    /// server or a proxy cut the answer.
    pub fn until(mut self, data: impl Into<String>) -> Self {
        self.end = Some(End::Data(data.into()));
        self
    }

    /// Sets the end marker to a message of this type, for example Anthropic's `message_stop`. The
    /// marker itself is not yielded. It replaces a marker that was set before.
    ///
    /// If the source ends without the marker, the last item is [`MessagesError::Incomplete`]: the
    /// server or a proxy cut the answer.
    pub fn until_event(mut self, event: impl Into<String>) -> Self {
        self.end = Some(End::Event(event.into()));
        self
    }

    /// The source, for example for its last event ID or close reason.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The source, to close or to suspend it.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Returns the source, to continue with its events.
    pub fn into_source(self) -> S {
        self.source
    }

    /// Turns an item of the source into a result; `Continue` means that the next item is needed.
    fn take<H, F, E>(
        &mut self,
        item: Option<Result<ClientEvent<H, F>, E>>,
    ) -> ControlFlow<Option<Result<T, MessagesError<E>>>> {
        let message = match item {
            Some(Ok(ClientEvent::Message(message))) => message,
            Some(Ok(_)) => return ControlFlow::Continue(()),
            Some(Err(error)) => {
                self.done = true;
                return ControlFlow::Break(Some(Err(MessagesError::Source(error))));
            }
            None => {
                self.done = true;
                return ControlFlow::Break(self.end.is_some().then_some(Err(MessagesError::Incomplete)));
            }
        };
        self.done = match &self.end {
            Some(End::Data(data)) => message.data() == data,
            Some(End::Event(event)) => message.event() == event,
            None => false,
        };
        if self.done {
            return ControlFlow::Break(None);
        }
        match (self.decode)(message) {
            Ok(Some(value)) => ControlFlow::Break(Some(Ok(value))),
            Ok(None) => ControlFlow::Continue(()),
            #[cfg(feature = "serde")]
            Err((error, message)) => ControlFlow::Break(Some(Err(MessagesError::Json { error, message }))),
            #[cfg(not(feature = "serde"))]
            Err(never) => match never {},
        }
    }
}

impl<S, T, H, F, E> Stream for Messages<S, T>
where
    S: Stream<Item = Result<ClientEvent<H, F>, E>> + Unpin,
{
    type Item = Result<T, MessagesError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.done {
            let item = ready!(Pin::new(&mut this.source).poll_next(cx));
            if let ControlFlow::Break(item) = this.take(item) {
                return Poll::Ready(item);
            }
        }
        Poll::Ready(None)
    }
}

impl<S, T, H, F, E> FusedStream for Messages<S, T>
where
    S: Stream<Item = Result<ClientEvent<H, F>, E>> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<S, T, H, F, E> Iterator for Messages<S, T>
where
    S: Iterator<Item = Result<ClientEvent<H, F>, E>>,
{
    type Item = Result<T, MessagesError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let item = self.source.next();
            if let ControlFlow::Break(item) = self.take(item) {
                return item;
            }
        }
        None
    }
}

impl<S, T, H, F, E> FusedIterator for Messages<S, T> where S: Iterator<Item = Result<ClientEvent<H, F>, E>> {}

impl<S, T, H, F, E> Messages<S, T>
where
    S: Iterator<Item = Result<ClientEvent<H, F>, E>>,
{
    /// The next item, for use with `?`: what `TryStreamExt::try_next` is for an asynchronous
    /// source.
    ///
    /// # Errors
    ///
    /// The errors of the items: see [`MessagesError`].
    pub fn try_next(&mut self) -> Result<Option<T>, MessagesError<E>> {
        self.next().transpose()
    }
}

impl<S, T> fmt::Debug for Messages<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("done", &self.done).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    #[cfg(feature = "serde")]
    use std::error::Error as _;
    use std::fmt::Debug;

    use futures_util::{FutureExt, StreamExt, stream};
    use proto::Event;

    use super::*;

    type Item = Result<ClientEvent<(), Infallible>, Infallible>;

    fn message(event: &str, data: &str) -> Item {
        Ok(ClientEvent::Message(Event { event, data, id: "" }.into()))
    }

    /// Reads a source both as a stream and as an iterator, and checks that the items are equal.
    fn both<T: Debug>(
        items: &[(&str, &str)],
        set: impl Fn(Messages<std::vec::IntoIter<Item>>) -> Messages<std::vec::IntoIter<Item>, T>,
        set_stream: impl Fn(
            Messages<stream::Iter<std::vec::IntoIter<Item>>>,
        ) -> Messages<stream::Iter<std::vec::IntoIter<Item>>, T>,
    ) -> String {
        let items = || {
            let open = [Ok(ClientEvent::Open(Box::new(()))), Ok(ClientEvent::Comment("life".into()))];
            let items: Vec<Item> =
                open.into_iter().chain(items.iter().map(|(event, data)| message(event, data))).collect();
            items.into_iter()
        };
        let iterated = set(Messages::new(items())).collect::<Vec<_>>();
        let streamed = set_stream(Messages::new(stream::iter(items()))).collect::<Vec<_>>().now_or_never();
        let text = format!("{iterated:?}");
        assert_eq!(text, format!("{:?}", streamed.expect("nothing is pending")));
        text
    }

    #[test]
    fn an_error_of_the_source_converts_by_the_question_mark() {
        let build = || -> Result<(), MessagesError<fmt::Error>> { Ok(Err(fmt::Error)?) };
        assert!(matches!(build(), Err(MessagesError::Source(fmt::Error))));
    }

    #[test]
    fn an_answer_ends_before_its_end_marker() {
        let text = both(
            &[("message", "a"), ("message", "[DONE]"), ("message", "b")],
            |messages| messages.until("[DONE]"),
            |messages| messages.until("[DONE]"),
        );
        assert_eq!(text, r#"[Ok(Message { event: "message", data: "a", id: "" })]"#);
        let text = both(
            &[("message", "message_stop"), ("message_stop", "{}"), ("message", "b")],
            |messages| messages.until_event("message_stop"),
            |messages| messages.until_event("message_stop"),
        );
        assert_eq!(text, r#"[Ok(Message { event: "message", data: "message_stop", id: "" })]"#);
    }

    #[test]
    fn an_answer_without_its_end_marker_is_incomplete() {
        let set = [("message", "a")];
        let text = both(&set, |messages| messages.until("b"), |messages| messages.until("b"));
        assert!(
            text.ends_with(", Err(the stream ended without its end marker: the answer is incomplete)]"),
            "{text}"
        );
        let text = both(&set, |messages| messages, |messages| messages);
        assert!(!text.contains("incomplete"), "{text}");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn data_is_read_as_json_and_other_data_is_an_error_with_its_message() {
        let items = [("m", "1"), ("m", ""), ("m", "{\"error\":\u{1b}}"), ("m", "2"), ("m", "[DONE]")];
        let items: Vec<Item> = items.into_iter().map(|(event, data)| message(event, data)).collect();
        let mut numbers = Messages::new(items.into_iter()).until("[DONE]").json::<u8>();
        assert_eq!(numbers.try_next().unwrap(), Some(1));
        let error = numbers.try_next().unwrap_err();
        assert!(error.to_string().contains(r#"not the expected JSON: "#), "{error}");
        assert!(error.to_string().ends_with(r#"{"error":\u{1b}}"#), "{error}");
        assert_eq!(numbers.try_next().unwrap(), Some(2));
        assert_eq!(numbers.try_next().unwrap(), None);
        assert_eq!(numbers.try_next().unwrap(), None);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_parse_error_that_quotes_the_data_is_escaped() {
        let data = r#""\u001b[2J\n""#;
        let mut kinds = Messages::new(vec![message("m", data)].into_iter()).json::<std::net::IpAddr>();
        let quoted = <serde_json::Error as serde::de::Error>::unknown_variant("\u{1b}[2J\n", &["a"]);
        let Some(Err(MessagesError::Json { message, .. })) = kinds.next() else { panic!("not an address") };
        let error = MessagesError::<Infallible>::Json { error: JsonError::from(quoted), message };
        for printed in [format!("{error}"), format!("{error:?}"), error.source().unwrap().to_string()] {
            assert!(printed.contains(r"unknown variant `\u{1b}[2J `"), "{printed}");
        }
        assert!(!format!("{error:?}").contains("u001b"), "the data is not in the debug output");
    }
}
