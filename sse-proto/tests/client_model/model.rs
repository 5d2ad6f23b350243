//! The naive model: a client as 9.2.3 and the documentation of the policy describe it, one request
//! after the other, without states.

use std::time::Duration;

use sse_proto::{Cause, CloseReason, Config, ErrorKind, Liveness, Repeat};

use super::story::{Answer, Chunk, End, Pace, Piece, SUSPENSION, Story};

struct Model<'a> {
    config: &'a Config,
    pace: Pace,
    now: Duration,
    said: Vec<String>,
    id: &'static str,
    retry: Option<Duration>,
    failed: u32,
    first_failure: Option<Duration>,
}

/// How a request ended.
enum Ended {
    Lost(Cause, Option<Duration>),
    Suspended,
    Closed(CloseReason),
    /// The client waits for something that never comes.
    Never,
}

/// What the model predicts for the machine.
pub(super) fn run(config: &Config, stories: &[Story], pace: Pace) -> Vec<String> {
    let mut model = Model {
        config,
        pace,
        now: Duration::ZERO,
        said: Vec::new(),
        id: "",
        retry: None,
        failed: 0,
        first_failure: None,
    };
    for story in stories {
        let header = model.is_resumable().then_some(model.id);
        model.say(&format!("connect {} {:?} {header:?}", model.failed, model.id));
        let result = match model.request(story) {
            Ended::Never => return model.said,
            Ended::Closed(reason) => Err(reason),
            Ended::Lost(cause, after) => model.lose(cause, after, story.retry_after),
            Ended::Suspended if model.may_repeat(Cause::Suspended) => {
                model.now += SUSPENSION;
                Ok(())
            }
            Ended::Suspended => Err(CloseReason::NotRepeated(Cause::Suspended)),
        };
        if let Err(reason) = result {
            model.say(&format!("closed {reason:?}"));
            return model.said;
        }
    }
    model.said
}

impl Model<'_> {
    fn say(&mut self, what: &str) {
        self.said.push(format!("{what} at {:?}", self.now));
    }

    fn report(&mut self, what: &str) {
        self.say(what);
        self.now += self.pace.think;
    }

    fn is_resumable(&self) -> bool {
        !self.id.is_empty() && !self.id.contains('\u{1}')
    }

    fn may_repeat(&self, cause: Cause) -> bool {
        match self.config.repeat() {
            Some(Repeat::Never) => false,
            Some(Repeat::IfResumable) => self.is_resumable(),
            Some(Repeat::IfRefused) => {
                matches!(cause, Cause::Status(_) | Cause::NotSent | Cause::ConnectTimeout)
            }
            _ => true,
        }
    }

    fn succeed(&mut self) {
        (self.failed, self.first_failure) = (0, None);
    }

    fn request(&mut self, story: &Story) -> Ended {
        let silent = matches!(story.answer, Answer::Silence);
        match self.config.head_timeout() {
            Some(limit) if silent || story.after > limit => {
                self.now += limit;
                return Ended::Lost(Cause::HeadTimeout, None);
            }
            None if silent => return Ended::Never,
            _ => self.now += story.after,
        }
        match &story.answer {
            Answer::Body { chunks, after, end } => self.body(chunks, *after, end),
            Answer::Status { status: 204, .. } => Ended::Closed(CloseReason::NoContent),
            Answer::Status { status: status @ (429 | 503), retry_after } => {
                Ended::Lost(Cause::Status(*status), retry_after.map(Duration::from_secs))
            }
            Answer::Status { status, .. } => Ended::Closed(CloseReason::Status(*status)),
            Answer::Error(ErrorKind::Fatal) => Ended::Closed(CloseReason::Transport),
            Answer::Error(ErrorKind::NotSent) => Ended::Lost(Cause::NotSent, None),
            Answer::Error(ErrorKind::ConnectTimeout) => Ended::Lost(Cause::ConnectTimeout, None),
            Answer::Error(ErrorKind::HeadTimeout) => Ended::Lost(Cause::HeadTimeout, None),
            Answer::Error(_) => Ended::Lost(Cause::Transport, None),
            Answer::Silence => unreachable!("it was answered above"),
        }
    }

    fn body(&mut self, chunks: &[Chunk], after: Duration, end: &End) -> Ended {
        let (opened, mut arrival) = (self.now, self.now);
        self.report("open");
        let (mut clocks, mut received) = (Clocks::default(), false);
        let mut ended = None;
        for chunk in chunks {
            arrival += chunk.after;
            ended = self.chunk(&mut clocks, arrival, &chunk.pieces);
            if ended.is_some() {
                break;
            }
            received = true;
        }
        arrival += after;
        let cut = matches!(end, End::Eof { cut: true } | End::Error { cut: true, .. });
        if ended.is_none() && cut {
            ended = self.chunk(&mut clocks, arrival, &[]);
            received = true;
        }
        let ended = ended.or_else(|| {
            let arrival = (!matches!(end, End::Silence)).then_some(arrival);
            clocks.wait(self, arrival).err()
        });
        let clean = ended.is_none() && matches!(end, End::Eof { .. });
        let healthy = self.config.policy().healthy_after();
        let enough = if clean && received { healthy.min(Duration::from_secs(2)) } else { healthy };
        if self.now - opened >= enough {
            self.succeed();
        }
        ended.unwrap_or_else(|| match end {
            End::Eof { cut: true } if self.config.deliver_unterminated() => {
                self.succeed();
                self.report(&format!("message \"cut\" {:?}", self.id));
                Ended::Lost(Cause::EndOfStream, None)
            }
            End::Eof { cut } => Ended::Lost(if *cut { Cause::EventCut } else { Cause::EndOfStream }, None),
            End::Error { cut, .. } => {
                Ended::Lost(if *cut { Cause::TransportCut } else { Cause::Transport }, None)
            }
            End::Suspended => Ended::Suspended,
            End::Silence => unreachable!("it has no end"),
        })
    }

    /// Waits for bytes, and reports what is in them.
    fn chunk(&mut self, clocks: &mut Clocks, arrival: Duration, pieces: &[Piece]) -> Option<Ended> {
        let waited = match clocks.wait(self, Some(arrival)) {
            Ok(waited) => waited,
            Err(ended) => return Some(ended),
        };
        let timeout = self.config.event_timeout().unwrap_or(Duration::MAX);
        clocks.eventless += waited.min(timeout);
        clocks.silence = clocks.silence.max(waited);
        for piece in pieces {
            match piece {
                Piece::Event | Piece::Heartbeat => {
                    let is_event = matches!(piece, Piece::Event);
                    self.succeed();
                    clocks.frame(!is_event && !self.config.heartbeat_events().is_empty());
                    let (kind, data) = if is_event { ("message", "x") } else { ("ping", "") };
                    self.report(&format!("{kind} {data:?} {:?}", self.id));
                }
                Piece::Comment => {
                    clocks.frame(true);
                    self.report("comment");
                }
                Piece::Retry(time) => {
                    self.retry = Some(*time);
                    self.report(&format!("retry {time:?}"));
                }
                Piece::Id(id) => self.id = id,
                Piece::Junk => {}
            }
        }
        (clocks.eventless > timeout.saturating_mul(2)).then_some(Ended::Lost(Cause::EventTimeout, None))
    }

    fn lose(
        &mut self,
        cause: Cause,
        after: Option<Duration>,
        instead: Option<Duration>,
    ) -> Result<(), CloseReason> {
        if !self.may_repeat(cause) {
            return Err(CloseReason::NotRepeated(cause));
        }
        let policy = self.config.policy();
        let first = match self.retry {
            Some(retry) => retry.max(policy.retry_min()).min(policy.retry_max()),
            None => policy.initial(),
        };
        let mut delay = first;
        for _ in 0..self.failed {
            delay = (delay * policy.factor().max(1)).min(policy.max().max(first));
        }
        let delay = delay.max(after.unwrap_or_default().min(policy.retry_max()));
        let since = *self.first_failure.get_or_insert(self.now);
        if policy.max_attempts().is_some_and(|max| self.failed + 1 > max)
            || policy.max_elapsed().is_some_and(|max| self.now + delay > since + max)
        {
            return Err(CloseReason::GaveUp { cause, attempts: self.failed });
        }
        self.failed += 1;
        let next = self.now + instead.unwrap_or(delay);
        self.report(&format!("lost {cause:?}, {} in {delay:?}", self.failed));
        self.now = self.now.max(next);
        Ok(())
    }
}

/// The clocks of one connection.
#[derive(Default)]
struct Clocks {
    eventless: Duration,
    silence: Duration,
    /// The silences that `Liveness::Adaptive` has learned, the newest last.
    learned: Vec<Duration>,
    comments: u32,
}

impl Clocks {
    /// Waits until `arrival`, or until a clock says that the connection is dead; returns how long.
    fn wait(&self, model: &mut Model<'_>, arrival: Option<Duration>) -> Result<Duration, Ended> {
        let config = model.config;
        let idle = match config.idle_timeout() {
            Liveness::After(timeout) => Some(timeout),
            Liveness::Adaptive if self.comments >= 3 => {
                Some((self.longest() * 3).max(Duration::from_secs(30)))
            }
            _ => None,
        };
        let event = config.event_timeout().map(|timeout| timeout.saturating_sub(self.eventless));
        let idle = idle.map(|limit| (limit, Cause::IdleTimeout));
        let event = event.map(|limit| (limit, Cause::EventTimeout));
        let limit = idle.into_iter().chain(event).min_by_key(|(limit, _)| *limit);
        let start = model.now;
        if arrival.is_some_and(|at| at <= start) {
            return Ok(Duration::ZERO);
        }
        let deadline = limit.map(|(limit, _)| start + limit);
        let Some(end) = arrival.into_iter().chain(deadline).min() else { return Err(Ended::Never) };
        model.now = end + model.pace.late;
        match limit {
            Some((_, cause)) if arrival.is_none_or(|at| at > model.now) => Err(Ended::Lost(cause, None)),
            _ => Ok(model.now - start),
        }
    }

    fn longest(&self) -> Duration {
        self.learned.iter().rev().take(8).max().copied().unwrap_or_default()
    }

    /// A comment, a heartbeat or an event ends the silence.
    fn frame(&mut self, is_keep_alive: bool) {
        let silence = std::mem::take(&mut self.silence);
        if !is_keep_alive {
            self.eventless = Duration::ZERO;
        }
        if silence > Duration::from_secs(120) {
            (self.learned, self.comments) = (Vec::new(), 0);
        } else if silence >= Duration::from_secs(1) && (is_keep_alive || silence > self.longest()) {
            self.learned.push(silence);
            self.comments += u32::from(is_keep_alive);
        }
    }
}
