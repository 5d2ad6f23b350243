//! Interface of a parser in the comparison.

use std::fmt;

use crate::Chunks;
use crate::{limits, ours, peers, source};

/// Receiver of a contender's events.
pub trait Sink {
    /// Receives an event: its type (`message` if the stream set none), its data, and the last event
    /// ID.
    fn event(&mut self, kind: &str, data: &str, id: &str);
}

/// Sink for timing: does just enough to keep the work from being optimised away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub events: u64,
    pub sum: u64,
}

impl Sink for Tally {
    #[inline]
    fn event(&mut self, kind: &str, data: &str, id: &str) {
        self.events += 1;
        let edge = data.as_bytes().first().map_or(0, |&b| u64::from(b))
            ^ data.as_bytes().last().map_or(0, |&b| u64::from(b));
        self.sum =
            self.sum.wrapping_add(data.len() as u64 + edge).wrapping_add((kind.len() + id.len()) as u64);
    }
}

/// Sink for checking: hashes every byte of every event, in order (FNV-1a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub events: u64,
    hash: u64,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self { events: 0, hash: 0xCBF2_9CE4_8422_2325 }
    }
}

impl Sink for Fingerprint {
    fn event(&mut self, kind: &str, data: &str, id: &str) {
        self.events += 1;
        for text in [kind, data, id] {
            // 0xFF is in no UTF-8 text, so it parts them.
            for &byte in text.as_bytes().iter().chain(&[0xFF]) {
                self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }
}

/// The kind of the events that a contender returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Events that are valid until the next call: slices, or one reused buffer.
    Borrowed,
    /// Events that the caller owns.
    Owned,
    /// No events, because the contender is a limit.
    None,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Borrowed => "borrowed",
            Self::Owned => "owned",
            Self::None => "-",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Ours,
    Peer,
    /// A limit of the machine: work that every parser has to do at least, without parsing.
    Limit,
}

/// A parser in the comparison, with the code that feeds it.
pub trait Contender {
    const NAME: &str;
    const API: Api;
    const ROLE: Role = Role::Peer;

    /// Creates a parser, feeds it all chunks, and passes all events to `sink`. An error, or a
    /// stream that ends early, shows as missing events.
    fn run(chunks: &Chunks, sink: &mut impl Sink);
}

/// A contender as a value, without its type.
#[derive(Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub api: Api,
    pub role: Role,
    pub time: fn(&Chunks) -> Tally,
    pub check: fn(&Chunks) -> Fingerprint,
}

impl Entry {
    fn of<C: Contender>() -> Self {
        Self {
            name: C::NAME,
            api: C::API,
            role: C::ROLE,
            time: |chunks| {
                let mut tally = Tally::default();
                C::run(chunks, &mut tally);
                tally
            },
            check: |chunks| {
                let mut fingerprint = Fingerprint::default();
                C::run(chunks, &mut fingerprint);
                fingerprint
            },
        }
    }
}

/// All contenders: this project's first, the limits last.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry::of::<ours::Borrowed>(),
        Entry::of::<ours::Owned>(),
        Entry::of::<ours::Frames>(),
        Entry::of::<ours::Stream>(),
        Entry::of::<ours::Client>(),
        Entry::of::<ours::ClientOwned>(),
        Entry::of::<source::NextEvent>(),
        Entry::of::<source::AsStream>(),
        Entry::of::<ours::DropIn>(),
        Entry::of::<peers::SseCore>(),
        Entry::of::<peers::SseStream>(),
        Entry::of::<peers::SseParse>(),
        Entry::of::<peers::Sseer>(),
        Entry::of::<peers::Eventsrc>(),
        Entry::of::<peers::Russe>(),
        Entry::of::<peers::Eventsource>(),
        Entry::of::<peers::EventsourceStream>(),
        Entry::of::<peers::EventsourceStream2>(),
        Entry::of::<peers::EventsourceClient>(),
        Entry::of::<peers::HandRolled>(),
        Entry::of::<limits::Read>(),
        Entry::of::<limits::LineScan>(),
        Entry::of::<limits::Utf8>(),
    ]
}
