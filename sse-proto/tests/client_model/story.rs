//! Scripts of a server, and the machine that follows one in virtual time.

use std::time::Duration;

use sse_proto::{Config, ErrorKind, EventSource, Frame, Instant, Output, ResponseHead};

/// One request: its answer comes `after` this time.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) after: Duration,
    pub(super) answer: Answer,
    /// The delay that the application sets when the connection is lost.
    pub(super) retry_after: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    Body {
        chunks: Vec<Chunk>,
        /// The time from the last chunk to the end.
        after: Duration,
        end: End,
    },
    Error(ErrorKind),
    Status {
        status: u16,
        /// `Retry-After` in seconds.
        retry_after: Option<u64>,
    },
    /// Nothing, ever.
    Silence,
}

/// Bytes that arrive together, `after` the chunk before.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) after: Duration,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Event,
    Heartbeat,
    Comment,
    Retry(Duration),
    /// A block with an ID alone.
    Id(&'static str),
    /// A line that is ignored.
    Junk,
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Self::Event => "data: x\n\n".into(),
            Self::Heartbeat => "event: ping\ndata\n\n".into(),
            Self::Comment => ":\n".into(),
            Self::Retry(time) => format!("retry: {}\n\n", time.as_millis()),
            Self::Id(id) => format!("id: {id}\n\n"),
            Self::Junk => "junk\n\n".into(),
        }
    }
}

/// How a body ends; `cut` is an event without its blank line before the end.
#[derive(Clone, Debug)]
pub(super) enum End {
    Eof {
        cut: bool,
    },
    Error {
        kind: ErrorKind,
        cut: bool,
    },
    /// The application suspends the source, and resumes it an hour later.
    Suspended,
    Silence,
}

/// What the application adds to the times of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The time that the application takes for each report.
    pub(super) think: Duration,
    /// The time from the end of a wait for bytes to the next poll.
    pub(super) late: Duration,
}

/// How long a suspension lasts.
pub(super) const SUSPENSION: Duration = Duration::from_secs(3600);

/// What the server does next in an open body.
enum Step {
    Bytes(String),
    End(End),
}

impl Step {
    fn is_silence(&self) -> bool {
        matches!(self, Self::End(End::Silence))
    }
}

/// The steps of a body whose head arrives at `start`, the last first, with their times.
fn steps(start: Instant, chunks: &[Chunk], after: Duration, end: &End) -> Vec<(Instant, Step)> {
    let (mut at, mut steps) = (start, Vec::new());
    for chunk in chunks {
        at += chunk.after;
        steps.push((at, Step::Bytes(chunk.pieces.iter().map(Piece::text).collect())));
    }
    at += after;
    if let End::Eof { cut: true } | End::Error { cut: true, .. } = end {
        steps.push((at, Step::Bytes("data: cut".into())));
    }
    steps.push((at, Step::End(end.clone())));
    steps.reverse();
    steps
}

/// Runs the machine, and returns what it reports and when.
pub(super) fn run(config: &Config, stories: &[Story], Pace { think, late }: Pace) -> Vec<String> {
    let mut source = EventSource::new(config.clone(), 1);
    let (mut stories, mut story) = (stories.iter(), None);
    let (mut now, mut said) = (Instant::ZERO, Vec::new());
    let mut body = Vec::new();
    let (mut chunk, mut read) = (String::new(), 0);
    loop {
        let mut input = &chunk.as_bytes()[read..];
        let output = source.poll(now, &mut input);
        read = chunk.len() - input.len();
        let at = now.since_epoch();
        match output {
            Output::Connect { request, deadline } => {
                let (sent, Story { after, answer, .. }) = *match &story {
                    Some(story) => story,
                    None => {
                        let Some(next) = stories.next() else { return said };
                        let (id, header) = (request.id, request.last_event_id);
                        said.push(format!("connect {} {id:?} {header:?} at {at:?}", request.attempt));
                        story.insert((now, next))
                    }
                };
                let arrival = sent + *after;
                match (deadline, answer) {
                    (Some(deadline), Answer::Silence) => now = deadline,
                    (None, Answer::Silence) => return said,
                    (Some(deadline), _) if deadline < arrival => now = deadline,
                    _ => {
                        now = arrival;
                        reply(&mut source, answer);
                        if let Answer::Body { chunks, after, end } = answer {
                            body = steps(now, chunks, *after, end);
                        }
                    }
                }
            }
            Output::NeedData { deadline } => {
                (chunk, read) = (String::new(), 0);
                let arrival = body.last().filter(|(_, step)| !step.is_silence()).map(|(at, _)| *at);
                if arrival.is_none_or(|at| at > now) {
                    match arrival.into_iter().chain(deadline).min() {
                        Some(at) => now = now.max(at) + late,
                        None => return said,
                    }
                }
                if arrival.is_some_and(|at| at <= now) {
                    match body.pop() {
                        Some((_, Step::Bytes(bytes))) => chunk = bytes,
                        Some((_, Step::End(end))) => finish(&mut source, &end),
                        None => {}
                    }
                }
            }
            Output::Wait(Some(until)) => now = now.max(until),
            Output::Wait(None) => {
                story = None;
                now += SUSPENSION;
                source.resume();
            }
            Output::Open => {
                said.push(format!("open at {at:?}"));
                now += think;
            }
            Output::Frame(frame) => {
                said.push(format!("{} at {at:?}", words(&frame)));
                now += think;
            }
            Output::Disconnected { cause, attempt, delay } => {
                said.push(format!("lost {cause:?}, {attempt} in {delay:?} at {at:?}"));
                if let Some(delay) = story.take().and_then(|(_, story)| story.retry_after) {
                    source.retry_after(delay);
                }
                now += think;
            }
            Output::Closed(reason) => {
                said.push(format!("closed {reason:?} at {at:?}"));
                return said;
            }
        }
    }
}

fn words(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Event(event) => format!("{} {:?} {:?}", event.event, event.data, event.id),
        Frame::Comment(_) => "comment".into(),
        Frame::Retry(time) => format!("retry {time:?}"),
        frame => format!("{frame:?}"),
    }
}

fn finish(source: &mut EventSource, end: &End) {
    match end {
        End::Eof { .. } => source.handle_eof(),
        End::Error { kind, .. } => source.handle_error(*kind),
        End::Suspended => source.suspend(),
        End::Silence => unreachable!("it is not taken"),
    }
}

fn reply(source: &mut EventSource, answer: &Answer) {
    match answer {
        Answer::Body { .. } => {
            source.handle_response(ResponseHead::new(200, [("content-type", "text/event-stream")]));
        }
        Answer::Error(kind) => source.handle_error(*kind),
        Answer::Status { status, retry_after } => {
            let text = retry_after.map(|seconds| seconds.to_string());
            source.handle_response(ResponseHead::new(*status, text.iter().map(|text| ("retry-after", text))));
        }
        Answer::Silence => unreachable!("there is no answer"),
    }
}
