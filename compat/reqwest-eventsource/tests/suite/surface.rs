//! The items, bounds and auto traits of `reqwest-eventsource` 0.6.0, exactly: code that compiled
//! before still compiles.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::string::FromUtf8Error;
use std::time::Duration;

use eventsource_stream::{Event as MessageEvent, EventStreamError};
use futures_core::Stream;
use nom::error::{Error as NomError, ErrorKind};
use reqwest::header::HeaderValue;
use reqwest::{RequestBuilder, Response, StatusCode};
use reqwest_eventsource::retry::{Constant, DEFAULT_RETRY, ExponentialBackoff, Never, RetryPolicy};
use reqwest_eventsource::{
    CannotCloneRequestError, Error, Event, EventSource, ReadyState, RequestBuilderExt,
};

#[test]
fn types_have_the_traits_of_the_replaced_crate() {
    fn source<T: Stream<Item = Result<Event, Error>> + Send + Unpin + 'static>() {}
    fn event<T: Debug + Clone + Eq + From<MessageEvent> + Send + Sync + Unpin>() {}
    fn state<T: Debug + Copy + Ord + Send + Sync>() {}
    fn error<T: StdError + From<EventStreamError<reqwest::Error>> + Send + Sync + Unpin + 'static>() {}
    fn cannot<T: StdError + Copy + Send + Sync>() {}
    fn policy<T: RetryPolicy + Debug + Clone + Send + Sync + Unpin>() {}
    source::<EventSource>();
    event::<Event>();
    state::<ReadyState>();
    error::<Error>();
    cannot::<CannotCloneRequestError>();
    policy::<ExponentialBackoff>();
    policy::<Constant>();
    policy::<Never>();
    fn never<T: Copy + Default>() {}
    never::<Never>();
}

#[test]
fn functions_have_the_signatures_of_the_replaced_crate() {
    let _: fn(RequestBuilder) -> Result<EventSource, CannotCloneRequestError> = EventSource::new;
    let _: fn(&'static str) -> EventSource = EventSource::get;
    let _: fn(String) -> EventSource = EventSource::get;
    let _: fn(reqwest::Url) -> EventSource = EventSource::get;
    let _: fn(&mut EventSource) = EventSource::close;
    let _: fn(&mut EventSource, Box<dyn RetryPolicy + Send + Unpin>) = EventSource::set_retry_policy;
    let _: fn(&EventSource) -> &str = EventSource::last_event_id;
    let _: fn(&EventSource) -> ReadyState = EventSource::ready_state;
    let _: fn(RequestBuilder) -> Result<EventSource, CannotCloneRequestError> =
        <RequestBuilder as RequestBuilderExt>::eventsource;
}

/// Moves every payload from one crate's error to the other's, as code in the wild does.
fn every_variant(error: Error) -> (Option<EventStreamError<reqwest::Error>>, Option<Response>) {
    match error {
        Error::Utf8(error) => (Some(EventStreamError::Utf8(error)), None),
        Error::Parser(error) => (Some(EventStreamError::Parser(error)), None),
        Error::Transport(error) => (Some(EventStreamError::Transport(error)), None),
        Error::InvalidContentType(HeaderValue { .. }, response) => (None, Some(response)),
        Error::InvalidStatusCode(StatusCode { .. }, response) => (None, Some(response)),
        Error::InvalidLastEventId(String { .. }) => (None, None),
        Error::StreamEnded => (None, None),
    }
}

#[test]
fn enums_are_exhaustive() {
    assert!(matches!(every_variant(Error::StreamEnded), (None, None)));
    let message = match Event::from(MessageEvent::default()) {
        Event::Open => None,
        Event::Message(message) => Some(message),
    };
    assert_eq!(message, Some(MessageEvent::default()));
    for state in [ReadyState::Connecting, ReadyState::Open, ReadyState::Closed] {
        let number = match state {
            ReadyState::Connecting => 0,
            ReadyState::Open => 1,
            ReadyState::Closed => 2_u8,
        };
        assert_eq!(state as u8, number);
    }
    assert_eq!(size_of::<ReadyState>(), 1);
    assert!(ReadyState::Connecting < ReadyState::Open && ReadyState::Open < ReadyState::Closed);
}

#[test]
fn errors_have_the_messages_of_the_replaced_crate() {
    let utf8: FromUtf8Error = String::from_utf8(vec![0xff]).unwrap_err();
    let parser = || -> NomError<String> { NomError::new("x".to_owned(), ErrorKind::Tag) };
    let cases = [
        (Error::Utf8(utf8.clone()), utf8.to_string()),
        (Error::Parser(parser()), parser().to_string()),
        (Error::from(EventStreamError::Utf8(utf8.clone())), utf8.to_string()),
        (Error::from(EventStreamError::Parser(parser())), parser().to_string()),
        (Error::InvalidLastEventId("x\n".into()), "Invalid `Last-Event-ID`: x\n".into()),
        (Error::StreamEnded, "Stream ended".into()),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
    }
    assert_eq!(CannotCloneRequestError.to_string(), "expected a cloneable request");
}

#[test]
fn policies_are_made_in_constants_and_have_public_fields() {
    const BACKOFF: ExponentialBackoff = ExponentialBackoff::new(Duration::ZERO, 1.5, None, Some(3));
    const CONSTANT: Constant = Constant::new(Duration::from_secs(1), None);
    let ExponentialBackoff { start, factor, max_duration, max_retries } = DEFAULT_RETRY;
    assert_eq!((start, factor), (Duration::from_millis(300), 2.));
    assert_eq!((max_duration, max_retries), (Some(Duration::from_secs(5)), None));
    let Constant { delay, max_retries } = CONSTANT;
    assert_eq!((delay, max_retries), (Duration::from_secs(1), None));
    assert_eq!(BACKOFF.max_retries, Some(3));
    let boxed: [Box<dyn RetryPolicy + Send + Unpin>; 3] =
        [Box::new(BACKOFF), Box::new(CONSTANT), Box::new(Never)];
    let delays = boxed.map(|policy| policy.retry(&Error::StreamEnded, None));
    assert_eq!(delays, [Some(Duration::ZERO), Some(Duration::from_secs(1)), None]);
}

#[test]
fn an_implementation_of_the_policy_of_ones_own_compiles() {
    struct Mine(Duration);
    impl RetryPolicy for Mine {
        fn retry(&self, error: &Error, last_retry: Option<(usize, Duration)>) -> Option<Duration> {
            match (error, last_retry) {
                (Error::Transport(_), _) | (_, Some((3.., _))) => None,
                _ => Some(self.0),
            }
        }

        fn set_reconnection_time(&mut self, duration: Duration) {
            self.0 = duration;
        }
    }
    let mut source = EventSource::get("http://127.0.0.1:9/");
    source.set_retry_policy(Box::new(Mine(Duration::ZERO)));
    assert_eq!((source.ready_state(), source.last_event_id()), (ReadyState::Connecting, ""));
}
