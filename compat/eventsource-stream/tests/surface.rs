//! The items, bounds and auto traits of `eventsource-stream` 0.2.3, exactly: code that compiled
//! before still compiles.

#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

use std::cell::Cell;
use std::error::Error;
use std::marker::PhantomPinned;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::string::FromUtf8Error;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use nom::error::{Error as NomError, ErrorKind};
use sse_eventsource_stream::{Event, EventStream, EventStreamError, Eventsource};

/// Whether a type has a trait, at compile time: an inherent constant takes precedence over a
/// trait's.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "unused where the type has the trait")]
        trait Fallback {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Fallback for T {}
        struct Probe<T: ?Sized>(#[allow(dead_code)] std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

type Plain = stream::Empty<Result<&'static [u8], ()>>;

#[test]
fn event_stream_is_send_sync_and_unpin_exactly_if_its_source_is() {
    struct NotUnpin(#[allow(dead_code)] PhantomPinned);
    struct NotSync(#[allow(dead_code)] Cell<u8>);
    struct Neither(#[allow(dead_code)] Rc<u8>);

    const { assert!(has!(EventStream<Plain>: Send) && has!(EventStream<Plain>: Sync)) };
    const { assert!(has!(EventStream<Plain>: Unpin)) };
    const { assert!(has!(EventStream<NotUnpin>: Send) && !has!(EventStream<NotUnpin>: Unpin)) };
    const { assert!(has!(EventStream<NotSync>: Send) && !has!(EventStream<NotSync>: Sync)) };
    const { assert!(!has!(EventStream<Neither>: Send) && !has!(EventStream<Neither>: Sync)) };
    const { assert!(has!(EventStream<Neither>: Unpin)) };
}

#[test]
fn event_and_error_have_the_traits_of_the_replaced_crate() {
    const { assert!(has!(Event: Send + Sync + Unpin + Default + std::fmt::Debug + Eq + Clone)) };
    const { assert!(has!(EventStreamError<()>: Send + Sync + Unpin + std::fmt::Debug + PartialEq)) };
    const { assert!(!has!(EventStreamError<Rc<u8>>: Send) && !has!(EventStreamError<Cell<u8>>: Sync)) };
    const { assert!(has!(EventStreamError<String>: Error)) };
    // The bounds are `Display`, `Send` and `Sync`, and neither `E: Error` nor `E: 'static`.
    fn is_error<E: std::fmt::Display + std::fmt::Debug + Send + Sync>(_: &E)
    where
        EventStreamError<E>: Error,
    {
    }
    let text = String::from("not static");
    is_error(&text.as_str());
    const { assert!(!has!(EventStreamError<()>: Error) && !has!(EventStreamError<Rc<String>>: Error)) };
    assert_eq!(
        Event::default(),
        Event { event: String::new(), data: String::new(), id: String::new(), retry: None }
    );
}

#[test]
fn functions_of_event_stream_require_no_bounds() {
    struct Holder<S>(EventStream<S>);
    impl<S> Holder<S> {
        fn new(source: S) -> Self {
            let mut stream = EventStream::new(source);
            stream.set_last_event_id("1");
            stream.set_last_event_id(String::from("2"));
            Self(stream)
        }
    }
    assert_eq!(Holder::new(()).0.last_event_id(), "2");
    assert_eq!(EventStream::new(7).last_event_id(), "");
}

#[test]
fn enum_and_struct_are_exhaustive() {
    fn all<E>(error: EventStreamError<E>) -> Result<E, Result<FromUtf8Error, NomError<String>>> {
        match error {
            EventStreamError::Utf8(error) => Err(Ok(error)),
            EventStreamError::Parser(error) => Err(Err(error)),
            EventStreamError::Transport(error) => Ok(error),
        }
    }
    assert_eq!(all(EventStreamError::Transport(7)), Ok(7));
    let Event { event, data, id, retry } = Event::default();
    let _: (String, String, String, Option<Duration>) = (event, data, id, retry);
}

#[test]
fn errors_have_the_messages_of_the_replaced_crate_and_no_source() {
    let utf8 = String::from_utf8(vec![0xff]).unwrap_err();
    let cases: [(EventStreamError<&str>, String); 3] = [
        (EventStreamError::Utf8(utf8.clone()), format!("UTF8 error: {utf8}")),
        (NomError::new("x", ErrorKind::Tag).into(), "Parse error: error Tag at: x".into()),
        (EventStreamError::Transport("reset"), "Transport error: reset".into()),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
    }
}

#[test]
fn chunks_may_borrow_and_be_pinned_and_errors_may_be_anything() {
    struct Chunk<'a>(&'a [u8], #[allow(dead_code)] PhantomPinned);
    impl AsRef<[u8]> for Chunk<'_> {
        fn as_ref(&self) -> &[u8] {
            self.0
        }
    }
    struct NoTraits;

    let text = String::from("data: x\n\n");
    let chunks = vec![Ok(Chunk(text.as_bytes(), PhantomPinned)), Err(NoTraits)];
    let mut events = stream::iter(chunks).eventsource();
    let event = events.next().now_or_never().unwrap();
    assert!(matches!(event, Some(Ok(event)) if event.data == "x"));
    let error = events.next().now_or_never().unwrap();
    assert!(matches!(error, Some(Err(EventStreamError::Transport(NoTraits)))));
}

#[test]
fn a_source_that_must_not_move_is_pinned_in_place() {
    struct Source(Option<&'static str>, PhantomPinned);
    impl Stream for Source {
        type Item = Result<&'static str, ()>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            #[expect(unsafe_code, reason = "to take something out of a type that must not move")]
            // SAFETY: nothing moves but the `Option`, which nothing points into.
            let this = unsafe { self.get_unchecked_mut() };
            Poll::Ready(this.0.take().map(Ok))
        }
    }

    let mut events = pin!(Source(Some("data: x\n\n"), PhantomPinned).eventsource());
    assert_eq!(events.next().now_or_never().unwrap().unwrap().unwrap().data, "x");
    assert!(events.next().now_or_never().unwrap().is_none());
}

#[test]
fn the_extension_trait_may_be_named_and_implemented() {
    fn events<S: Eventsource>(source: S) -> EventStream<S> {
        source.eventsource()
    }
    struct Mine;
    impl Eventsource for Mine {
        fn eventsource(self) -> EventStream<Self> {
            EventStream::new(self)
        }
    }
    events(Mine);
    let chunks = events(stream::iter([Ok::<_, ()>(b"data\n\n".to_vec())]));
    let collected = chunks.try_collect::<Vec<Event>>().now_or_never().unwrap();
    assert_eq!(collected, Ok(vec![Event { event: "message".into(), ..Event::default() }]));
}
