//! Subscriber that reads from the log until it has caught up with the tail in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use proto::Cursor;
use tokio::time::{Sleep, sleep};

use super::cold::ColdRead;
use crate::backoff::Backoff;
use crate::log::After;
use crate::topic::TopicState;
use crate::{Gap, LogError, Place};

/// State of a subscriber that is behind the tail.
#[derive(Debug)]
pub(crate) struct Behind {
    /// The place up to which the subscriber has every event.
    pub(crate) after: After,
    step: Step,
    backoff: Backoff,
}

#[derive(Debug)]
enum Step {
    Look,
    Read(ColdRead),
    Rest(Pin<Box<Sleep>>),
}

/// Result of one read of a subscriber that is behind.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Events to send.
    Events(Bytes),
    /// Events are missing; the subscriber resumes at this place.
    Gap(Gap, Place),
    /// The tail has every event after this cursor.
    CaughtUp(Cursor),
}

impl Behind {
    pub(crate) fn new(after: impl Into<After>) -> Self {
        Self { after: after.into(), step: Step::Look, backoff: Backoff::default() }
    }

    /// The time until the next attempt to read.
    fn rest(&mut self) -> Step {
        Step::Rest(Box::pin(sleep(self.backoff.next())))
    }

    /// Reads on. Pending while the log is read, unavailable, or ahead of its feed, which wakes all
    /// members of the topic.
    pub(crate) fn poll(&mut self, topic: &Arc<TopicState>, cx: &mut Context<'_>) -> Poll<Progress> {
        loop {
            match &mut self.step {
                Step::Look => {
                    if let Some(cursor) = topic.tail().after_read(self.after) {
                        return Poll::Ready(Progress::CaughtUp(cursor));
                    }
                    self.step = Step::Read(topic.cold_read(self.after));
                }
                Step::Read(read) => {
                    let read = ready!(read.poll_unpin(cx));
                    self.step = Step::Look;
                    match read {
                        Ok(cold) => {
                            if let Some(gap) = cold.gap {
                                self.after = cold.after.into();
                                return Poll::Ready(Progress::Gap(gap, cold.after));
                            }
                            if cold.bytes.is_empty() {
                                // The stamp is known now, if it was not.
                                self.after = cold.after.into();
                                if let Some(cursor) = topic.tail().after_confirmed(cold.after) {
                                    return Poll::Ready(Progress::CaughtUp(cursor));
                                }
                                // The tail gets its next update later, or the log has lost events.
                                self.step = self.rest();
                                continue;
                            }
                            self.backoff = Backoff::default();
                            self.after = cold.last.into();
                            return Poll::Ready(Progress::Events(cold.bytes.clone()));
                        }
                        Err(LogError::Corrupt(_)) => {
                            let resume = topic.tail().floor();
                            let missed = resume.number.checked_sub(self.after.number());
                            self.after = resume.into();
                            // After a loss the log counts from a smaller number.
                            let gap = missed.filter(|missed| *missed > 0).map_or(Gap::UNKNOWN, Gap::of);
                            return Poll::Ready(Progress::Gap(gap, resume));
                        }
                        Err(_) => self.step = self.rest(),
                    }
                }
                Step::Rest(rest) => {
                    // An update of the tail wakes all members.
                    if let Some(cursor) = topic.tail().after_read(self.after) {
                        return Poll::Ready(Progress::CaughtUp(cursor));
                    }
                    ready!(rest.as_mut().poll(cx));
                    self.step = Step::Look;
                }
            }
        }
    }
}
