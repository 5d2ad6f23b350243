//! The log that forgets with the process.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use proto::{Cursor, EventBuilder, Gap, History, HistoryLimits, Timer};
use tokio::sync::Notify;

use crate::Log;
use crate::clock::Clock;

/// How many bytes one read gives at most, if one event is not already longer.
const BATCH: usize = 64 << 10;

/// A [`Log`] in memory: a [`History`] of encoded events, each encoded once and shared by all readers.
///
/// Its IDs are 16 hexadecimal digits, a hyphen and a number: the digits are made of the time and of random
/// bits when the log is, so that an ID from before a restart is recognised as a gap.
#[derive(Debug)]
pub struct MemoryLog {
    state: Mutex<State>,
    appended: Arc<Notify>,
    clock: Clock,
}

#[derive(Debug)]
struct State {
    history: History<Bytes>,
    joined: Option<Joined>,
}

/// The batch that was last put together. Subscribers that are woken by one burst all read the same one.
#[derive(Debug)]
struct Joined {
    from: Cursor,
    to: Cursor,
    bytes: Bytes,
}

impl MemoryLog {
    /// An empty log.
    pub fn new(limits: HistoryLimits) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // 42 bits of milliseconds last until 2109; the rest tells apart the logs of one millisecond.
        let random = RandomState::new().build_hasher().finish() >> 42;
        let id_epoch = (since_1970.as_millis() as u64) << 22 | random;
        let history =
            History::with_epoch(limits, format!("{id_epoch:016x}")).expect("hexadecimal digits are an ID");
        Self {
            state: Mutex::new(State { history, joined: None }),
            appended: Arc::default(),
            clock: Clock::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

impl Log for MemoryLog {
    type Cursor = Cursor;
    type Error = Infallible;

    async fn append(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, Infallible> {
        let now = self.clock.now();
        let ids = {
            let history = &mut self.state().history;
            let append = |event: &EventBuilder<'_>| {
                let own = event.last_event_id().filter(|id| !id.is_empty());
                let id = match own {
                    Some(id) => id.to_owned(),
                    None => history.next_id().expect("the log has an epoch"),
                };
                let event = event.clone().id(&id).expect("both kinds of ID were checked");
                history.append(now, own, Bytes::from(event.encode()));
                id
            };
            events.iter().map(append).collect()
        };
        self.appended.notify_waiters();
        Ok(ids)
    }

    async fn seek(&self, last_event_id: &str) -> Result<Cursor, (Gap, Cursor)> {
        let now = self.clock.now();
        let history = &mut self.state().history;
        history.expire(now);
        history.after(last_event_id).map_err(|gap| (gap, history.oldest()))
    }

    fn end(&self) -> Cursor {
        self.state().history.end()
    }

    fn read(&self, cursor: &mut Cursor) -> Result<Option<Bytes>, Gap> {
        let State { history, joined } = &mut *self.state();
        let from = *cursor;
        let Some(first) = history.read(cursor)? else { return Ok(None) };
        if *cursor == history.end() {
            return Ok(Some(first.clone()));
        }
        if let Some(joined) = joined.as_ref().filter(|joined| joined.from == from) {
            *cursor = joined.to;
            return Ok(Some(joined.bytes.clone()));
        }
        let mut ahead = *cursor;
        let mut length = first.len();
        while let Some(event) = history.read(&mut ahead)? {
            if length + event.len() > BATCH {
                break;
            }
            length += event.len();
            *cursor = ahead;
        }
        if length == first.len() {
            // Alone because of its size: shared, for whoever does not read must not hold a copy of it.
            return Ok(Some(first.clone()));
        }
        let mut bytes = BytesMut::with_capacity(length);
        let mut next = from;
        while let Some(event) = history.read(&mut next)?.filter(|_| next <= *cursor) {
            bytes.extend_from_slice(event);
        }
        let bytes = bytes.freeze();
        *joined = Some(Joined { from, to: *cursor, bytes: bytes.clone() });
        Ok(Some(bytes))
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.appended).notified_owned()
    }

    fn id_before(&self, cursor: &Cursor) -> Option<String> {
        self.state().history.id_before(*cursor)
    }

    fn lag(&self, cursor: &Cursor) -> u64 {
        self.state().history.lag(*cursor)
    }

    fn expire(&self) -> bool {
        let now = self.clock.now();
        let history = &mut self.state().history;
        history.expire(now);
        history.is_empty()
    }
}
