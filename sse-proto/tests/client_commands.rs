//! Tests of the application's commands, and of the machine's promises to its driver.

#[path = "client/mod.rs"]
mod client;

use client::{Client, config, ok, secs};
use sse_proto::{ErrorKind, Event, EventSource, Frame, Output, Progress, ReadyState, Repeat};

#[test]
fn an_output_has_nothing_to_drop() {
    const { assert!(!std::mem::needs_drop::<Output<'static>>()) }
    fn is_copy<T: Copy + Send + Sync + 'static>() {}
    is_copy::<Output<'static>>();
    is_copy::<Progress>();
    fn is_send<T: Send + Sync + Unpin + 'static>() {}
    is_send::<EventSource>();
}

// 9.2.2: CONNECTING, OPEN, CLOSED.
#[test]
fn the_ready_state_follows_the_specification() {
    use ReadyState::{Closed, Connecting, Open};
    assert_eq!([Connecting, Open, Closed].map(|state| state as u8), [0, 1, 2]);
    assert!(Connecting < Open && Open < Closed);

    let mut client = Client::new(config());
    assert_eq!(client.source.ready_state(), Connecting);
    client.poll();
    client.source.handle_response(ok());
    assert_eq!(client.source.ready_state(), Connecting, "not announced yet");
    assert_eq!(client.poll(), "open");
    assert_eq!(client.source.ready_state(), Open);
    client.source.handle_eof();
    assert_eq!(client.source.ready_state(), Connecting);
    client.poll();
    assert_eq!(client.source.ready_state(), Connecting);
    assert_eq!(client.source.close_reason(), None);
    client.source.close();
    assert_eq!(client.source.ready_state(), Closed);
    assert_eq!(client.source.close_reason(), Some(sse_proto::CloseReason::Caller));
}

// 9.2.3: a task does nothing if the ready state is CLOSED.
#[test]
fn after_close_nothing_of_the_chunk_is_delivered() {
    let mut client = Client::open(config());
    let mut rest: &[u8] = b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n";
    assert!(matches!(
        client.source.poll(client.now, &mut rest),
        Output::Frame(Frame::Event(Event { data: "a", .. }))
    ));
    client.source.close();
    assert_eq!(client.source.ready_state(), ReadyState::Closed);
    assert_eq!(client.source.poll(client.now, &mut rest), Output::Closed(sse_proto::CloseReason::Caller));
    assert_eq!(rest, b"");
    assert_eq!(client.source.last_event_id(), "1");
}

// 9.2.3: once the connection has failed, the user agent does not reconnect.
#[test]
fn a_closed_source_stays_closed() {
    let mut client = Client::open(config());
    client.source.close();
    for _ in 0..2 {
        client.source.handle_response(ok());
        client.source.handle_error(ErrorKind::Fatal);
        client.source.handle_eof();
        client.source.suspend();
        client.source.resume();
        client.source.retry_after(secs(0));
        client.source.close();
        client.sleep(secs(100_000));
        assert_eq!(client.poll(), "closed Caller");
    }
    let mut rejected = Client::new(config());
    rejected.poll();
    rejected.source.handle_response(404.into());
    rejected.source.close();
    assert_eq!(rejected.poll(), "closed Status(404)", "the first reason stays");
}

// 9.2.2: `close()` aborts the fetch and sets the ready state to CLOSED.
#[test]
fn close_works_in_every_state() {
    let states: [fn(&mut Client); 7] = [
        |_| {},
        |client| drop(client.poll()),
        |client| client.connect(),
        |client| {
            client.connect();
            client.source.handle_eof();
        },
        |client| {
            client.connect();
            client.lose();
        },
        |client| client.source.suspend(),
        |client| {
            client.connect();
            client.read("data: x\n");
            client.source.handle_eof(); // with an event to flush
            client.poll();
        },
    ];
    for state in states {
        let mut client = Client::new(config().with_deliver_unterminated(true));
        state(&mut client);
        client.source.close();
        assert_eq!(client.poll(), "closed Caller");
    }
}

#[test]
fn polling_once_more_changes_nothing() {
    let mut client = Client::new(config().with_idle_timeout(secs(45)));
    let thrice = |client: &mut Client| [client.poll(), client.poll(), client.poll()];
    assert_eq!(thrice(&mut client), ["connect 0 id - until 30s"; 3]);
    client.connect();
    assert_eq!(thrice(&mut client), ["read until 45s"; 3]);
    client.lose();
    assert_eq!(thrice(&mut client), ["wait until 1s"; 3]);
}

// 9.2.8: a device may leave its connection to a push service, and continue after the last event ID.
#[test]
fn suspend_drops_the_connection() {
    let mut client = Client::open(config());
    client.read("id: 1\ndata: x\n\n");
    client.source.suspend();
    assert_eq!(client.source.ready_state(), ReadyState::Connecting);
    assert_eq!(client.source.last_event_id(), "1");
    let mut rest: &[u8] = b"data: late\n\n";
    assert_eq!(client.source.poll(client.now, &mut rest), Output::Wait(None));
    assert_eq!(rest, b"");
    client.sleep(secs(100_000));
    client.source.handle_response(ok());
    client.source.handle_eof();
    assert_eq!(client.poll(), "wait for ever");
    client.source.resume();
    assert_eq!(client.poll(), "connect 0 id 1 until 100030s", "at once, with the ID");
}

#[test]
fn a_suspension_before_the_first_request_holds_it_back() {
    let mut client = Client::new(config().with_repeat(Repeat::Never));
    client.source.suspend();
    assert_eq!(client.poll(), "wait for ever");
    client.source.resume();
    client.connect();
}

#[test]
fn a_suspension_does_not_shorten_a_delay() {
    let mut client = Client::open(config());
    client.read("retry: 10000\n");
    client.source.handle_eof();
    client.source.suspend();
    assert_eq!(client.poll(), "lost EndOfStream, attempt 1 in 10s", "the loss came first");
    assert_eq!(client.poll(), "wait for ever");
    client.sleep(secs(4));
    client.source.resume();
    assert_eq!(client.poll(), "wait until 10s");
    client.source.suspend();
    client.sleep(secs(60));
    assert_eq!(client.poll(), "wait for ever");
    client.source.resume();
    assert_eq!(client.poll(), "connect 1 id - until 94s");
}

#[test]
fn a_suspension_between_two_polls_starts_a_new_request() {
    let mut client = Client::open(config());
    client.source.suspend();
    client.source.resume();
    assert_eq!(client.poll(), "connect 0 id - until 30s");
}

#[test]
fn a_request_that_may_not_be_repeated_cannot_be_suspended() {
    let mut client = Client::open(config().with_repeat(Repeat::Never));
    client.source.suspend();
    assert_eq!(client.poll(), "closed NotRepeated(Suspended)");

    let mut client = Client::open(config().with_repeat(Repeat::IfResumable));
    client.read("id: 1\n\n");
    client.source.suspend();
    assert_eq!(client.poll(), "wait for ever");
}

#[test]
fn only_the_time_before_a_suspension_counts_as_healthy() {
    for (open, attempt) in [(10, 2), (60, 1)] {
        let mut client = Client::new(config());
        client.poll();
        client.lose();
        client.sleep(secs(1));
        client.connect();
        client.sleep(secs(open));
        client.source.suspend();
        client.poll();
        client.sleep(secs(600));
        client.source.resume();
        client.poll();
        assert_eq!(client.lose(), format!("lost Transport, attempt {attempt} in {attempt}s"));
    }
}

#[test]
fn an_outdated_progress_has_no_output() {
    let mut client = Client::open(config());
    let chunk = b"data: x\n\n";
    let mut input = &chunk[..];
    let progress = client.source.advance(client.now, &mut input);
    assert!(matches!(progress, Progress::Frame(_)));
    let output = client.source.output(progress, chunk);
    assert!(matches!(output, Some(Output::Frame(Frame::Event(Event { data: "x", .. })))));
    client.source.close();
    assert_eq!(client.source.output(progress, chunk), None);
}

#[test]
fn an_outdated_progress_is_not_the_unterminated_event() {
    let mut client = Client::open(config().with_deliver_unterminated(true));
    let mut input = &b"data: x\n\ndata: y"[..];
    let chunk = input;
    let outdated = client.source.advance(client.now, &mut input);
    assert!(matches!(client.source.advance(client.now, &mut input), Progress::NeedData { .. }));
    client.source.handle_eof();
    assert_eq!(client.source.output(outdated, chunk), None, "not delivered yet");
    let last = client.source.advance(client.now, &mut &[][..]);
    assert_eq!(client.source.output(outdated, chunk), None);
    let output = client.source.output(last, &[]);
    assert!(matches!(output, Some(Output::Frame(Frame::Event(Event { data: "y", .. })))));
}

#[test]
fn an_output_of_another_chunk_is_none() {
    let mut client = Client::open(config());
    let progress = client.source.advance(client.now, &mut &b"data: x\n\n"[..]);
    assert!(client.source.output(progress, b"data: \xFF\n\n").is_none());
}

// 9.2.6: the event type comes from the stream, whatever its name.
#[test]
fn events_named_open_and_error_are_events() {
    let mut client = Client::open(config());
    let said = client.read("event: error\ndata: x\n\nevent: open\ndata: y\n\n");
    assert_eq!(said[..2], ["event error \"x\" id ", "event open \"y\" id "]);
}

// 9.2.6: `data` with an empty value is an event with empty data.
#[test]
fn a_priming_event_is_an_event() {
    let mut client = Client::open(config());
    let said = client.read("id: p\nretry: 20\ndata:\n\n");
    assert_eq!(said, ["retry 20ms", "event message \"\" id p", "read for ever"]);
}
