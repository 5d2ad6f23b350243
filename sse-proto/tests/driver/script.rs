//! A transport that plays a script, in virtual time.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "it is for the tests beside it")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;
use sse_proto::{
    ClientEvent, ClientEventRef, Closed, Config, Driver, ErrorKind, EventSource, Instant, Jitter, Request,
    ResponseHead, Timer, Transport, Verdict,
};

/// What becomes of a request.
pub enum Answer {
    /// A status, and what its body does.
    Response(u16, Vec<Part>),
    /// A response that begins this long after it is first awaited.
    Late(Duration, u16, Vec<Part>),
    /// The request fails: retryable, unless the error is `fatal`.
    Error(&'static str),
    /// Nothing, ever.
    Silence,
}

/// What a body does next; after the last it ends.
#[derive(Clone, Copy)]
pub enum Part {
    Chunk(&'static str),
    Error(&'static str),
    Pause(Duration),
    /// Nothing, ever.
    Silence,
}

/// An answer of 200.
pub fn body<const N: usize>(parts: [Part; N]) -> Answer {
    Answer::Response(200, parts.into())
}

/// What the test, the transport and its futures share.
#[derive(Clone, Default)]
pub struct World(Rc<Inner>);

#[derive(Default)]
struct Inner {
    now: Arc<Mutex<Duration>>,
    /// The deadlines of pending futures, and their wakers.
    wakeups: RefCell<Vec<(Instant, Waker)>>,
    log: RefCell<Vec<String>>,
    pub readings: Cell<usize>,
    pub timers: Cell<usize>,
    pub running: Cell<usize>,
}

impl World {
    pub fn now(&self) -> Instant {
        Instant::from_epoch(*self.0.now.lock().unwrap())
    }

    /// Moves the clock, and wakes the futures whose deadlines pass, without polling them.
    pub fn sleep(&self, duration: Duration) {
        self.move_to(self.now() + duration);
    }

    fn move_to(&self, time: Instant) {
        let set = |to: Instant| *self.0.now.lock().unwrap() = to.since_epoch();
        let mut wakeups = self.0.wakeups.take();
        wakeups.sort_by_key(|(at, _)| *at);
        for (at, waker) in wakeups.into_iter().filter(|(at, _)| *at <= time) {
            set(at.max(self.now()));
            waker.wake();
        }
        set(time);
    }

    /// How often the clock was read.
    pub fn readings(&self) -> usize {
        self.0.readings.get()
    }

    /// How many timers were set.
    pub fn timers(&self) -> usize {
        self.0.timers.get()
    }

    /// How many timers there are.
    pub fn running(&self) -> usize {
        self.0.running.get()
    }

    /// The calls of the transport since the last call of this function, and its drops.
    pub fn log(&self) -> Vec<String> {
        self.0.log.take()
    }

    fn note(&self, what: String) {
        self.0.log.borrow_mut().push(what);
    }

    fn until(&self, deadline: Instant, cx: &Context<'_>) -> Poll<()> {
        if self.now() >= deadline {
            return Poll::Ready(());
        }
        self.0.wakeups.borrow_mut().push((deadline, cx.waker().clone()));
        Poll::Pending
    }

    /// Polls until the result is there, moving the clock to whatever is awaited; `None` if that is
    /// nothing.
    pub fn run<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
        loop {
            self.0.wakeups.take();
            if let Poll::Ready(value) = poll(&mut Context::from_waker(Waker::noop())) {
                return Some(value);
            }
            let next = self.0.wakeups.borrow().iter().map(|(at, _)| *at).min()?;
            self.move_to(next);
        }
    }
}

pub struct Script {
    world: World,
    answers: VecDeque<Answer>,
    /// What the application makes of a response, if not what the configuration says.
    pub judge: fn(Verdict) -> Verdict,
}

impl Timer for Script {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.world.0.timers.set(self.world.timers() + 1);
        self.world.0.running.set(self.world.running() + 1);
        Sleep(self.world.clone(), deadline)
    }

    fn now(&self) -> Instant {
        self.world.0.readings.set(self.world.readings() + 1);
        self.world.now()
    }
}

impl Transport for Script {
    type Head = u16;
    type Body = Body;
    type Chunk = &'static str;
    type Error = Broken;
    type Connect = Connect;

    fn connect(&mut self, request: Request<'_>) -> Connect {
        let id = request.last_event_id.unwrap_or("-");
        self.world.note(format!(
            "connect {} id {id} at {:?}",
            request.attempt,
            self.world.now().since_epoch()
        ));
        let answer = self.answers.pop_front().expect("the script has an answer to each request");
        Connect(self.world.clone(), answer, None)
    }

    fn head(status: &u16) -> ResponseHead<'_> {
        ResponseHead::new(*status, [("content-type", "text/event-stream")])
    }

    fn on_response(&mut self, _: &u16, verdict: Verdict) -> Verdict {
        (self.judge)(verdict)
    }

    fn on_chunk(&mut self, chunk: &&'static str) {
        self.world.note(format!("chunk {chunk:?}"));
    }

    fn error_kind(error: &Broken) -> ErrorKind {
        if error.0 == "fatal" { ErrorKind::Fatal } else { ErrorKind::Retryable }
    }

    fn clock(&self) -> Arc<dyn Fn() -> Instant + Send + Sync> {
        let now = Arc::clone(&self.world.0.now);
        Arc::new(move || Instant::from_epoch(*now.lock().unwrap()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// A request, its answer, and when a late answer begins.
pub struct Connect(World, Answer, Option<Instant>);

impl Future for Connect {
    type Output = Result<(u16, Body), Broken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Answer::Late(wait, ..) = self.1 {
            let now = self.0.now();
            let at = *self.2.get_or_insert(now + wait);
            std::task::ready!(self.0.until(at, cx));
        }
        match &mut self.1 {
            Answer::Silence => Poll::Pending,
            Answer::Error(error) => Poll::Ready(Err(Broken(error))),
            Answer::Response(status, parts) | Answer::Late(_, status, parts) => {
                let (status, parts) = (*status, std::mem::take(parts).into());
                Poll::Ready(Ok((status, Body(self.0.clone(), parts, None))))
            }
        }
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        if matches!(self.1, Answer::Silence) {
            self.0.note("request dropped".into());
        }
    }
}

/// The parts of a body that are still to come, and the end of its current pause.
pub struct Body(World, VecDeque<Part>, Option<Instant>);

impl Stream for Body {
    type Item = Result<&'static str, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.1.front().copied() {
                None => return Poll::Ready(None),
                Some(Part::Silence) => return Poll::Pending,
                Some(Part::Pause(duration)) => {
                    let now = self.0.now();
                    let until = *self.2.get_or_insert(now + duration);
                    std::task::ready!(self.0.until(until, cx));
                    self.2 = None;
                    self.1.pop_front();
                }
                Some(Part::Chunk(chunk)) => {
                    self.1.pop_front();
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Some(Part::Error(error)) => {
                    self.1.pop_front();
                    return Poll::Ready(Some(Err(Broken(error))));
                }
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.0.note("body dropped".into());
    }
}

pub struct Sleep(World, Instant);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.until(self.1, cx)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.0.0.running.set(self.0.running() - 1);
    }
}

/// A driver without jitter over a script, and the world it runs in.
pub struct Client {
    pub driver: Driver<Script>,
    pub world: World,
}

impl Client {
    pub fn new<const N: usize>(config: Config, answers: [Answer; N]) -> Self {
        Self::judging(|verdict| verdict, config, answers)
    }

    pub fn judging<const N: usize>(
        judge: fn(Verdict) -> Verdict,
        config: Config,
        answers: [Answer; N],
    ) -> Self {
        let policy = config.policy().with_jitter(Jitter::None);
        let source = EventSource::new(config.with_policy(policy), 1);
        let world = World::default();
        let script = Script { world: world.clone(), answers: answers.into(), judge };
        Self { driver: Driver::new(source, script), world }
    }

    /// The next output in words; `pending` if it waits.
    pub fn next(&mut self) -> String {
        let mut next = std::pin::pin!(self.driver.next());
        match self.world.run(|cx| next.as_mut().poll(cx)) {
            None => "pending".into(),
            Some(None) => "over".into(),
            Some(Some(event)) => words(event),
        }
    }

    /// The same from the half that gives owned events.
    pub fn next_owned(&mut self) -> String {
        let driver = &mut self.driver;
        match self.world.run(|cx| driver.poll_owned(cx)) {
            None => "pending".into(),
            Some(None) => "over".into(),
            Some(Some(event)) => owned(event),
        }
    }

    /// The next `count` events.
    pub fn take(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// How it ends.
pub type End = Box<Closed<u16, Body, Broken>>;

fn words(event: Result<ClientEventRef<'_, u16, Broken>, End>) -> String {
    owned(event.map(ClientEventRef::into_owned))
}

fn owned(event: Result<ClientEvent<u16, Broken>, End>) -> String {
    match event {
        Ok(ClientEvent::Open(status)) => format!("open {status}"),
        Ok(ClientEvent::Message(message)) => {
            format!("event {} {:?} id {}", message.event(), message.data(), message.id())
        }
        Ok(ClientEvent::Comment(comment)) => format!("comment {comment}"),
        Ok(ClientEvent::Retry(time)) => format!("retry {time:?}"),
        Ok(ClientEvent::Skipped { bytes }) => format!("skipped {bytes}"),
        Ok(ClientEvent::Disconnected { cause, attempt, delay }) => {
            format!("lost: {cause}, attempt {attempt} in {delay:?}")
        }
        Ok(_) => "something new".into(),
        Err(closed) => {
            let error = closed.error.map_or(String::new(), |error| format!(" ({error})"));
            let response = closed.response.map_or(String::new(), |response| format!(", {}", response.0));
            format!("closed: {}{error}{response}", closed.reason)
        }
    }
}
