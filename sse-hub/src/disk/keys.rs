//! Layout of keys and values in the storage engine.
//!
//! Events lie in *segments*, keyspaces of the engine that are dropped whole, the oldest first;
//! everything else is in the keyspace `topics`. Numbers in keys are big-endian, so that they sort.
//!
//! ```text
//! topics    t NAME           → TopicRecord   where its events are, and the last place that was dropped
//!           n id             → NAME
//!           p stamp id       →               a topic without events, by the stamp of its last place
//!           c                → Clock
//! sNNNN     e id number      → Record        an event
//!           i id hash(ID)    → number        the first event of this segment with an ID of the application's
//!           k id KEY         → Once          a batch with an idempotency key
//! ```

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use crate::Place;

/// The number that represents a topic's name in keys. It is never reused: a topic that is created
/// again after its end gets another number.
pub(super) type TopicId = u64;

/// State of the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// The highest stamp that was given to an event.
    pub(super) stamp: u64,
    pub(super) next_topic: TopicId,
    /// The highest stamp of the topics whose places were forgotten.
    pub(super) forgotten: u64,
}

/// Record of a topic. If the topic has kept events, they determine its newest event instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicRecord {
    pub(super) id: TopicId,
    /// The place of the newest event that was dropped, or of the topic's beginning.
    pub(super) place: Place,
    /// Set if the topic was ended, and not published to since.
    pub(super) ended: Option<Ended>,
    /// The application's ID of the event at `place`.
    pub(super) given: Option<Arc<str>>,
}

/// The time for which an ended topic is refused, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// The time since 1970 until which the topic is refused, by the clock of the process that ended
    /// it.
    pub(super) until: u64,
    /// How long the topic was to be refused: no clock makes the time longer.
    pub(super) lasting: u64,
}

/// Record of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) place: Place,
    /// The ID that the application gave the event.
    pub(super) given: Option<&'a str>,
    pub(super) bytes: &'a [u8],
}

/// Record of an idempotency key: the place of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Once {
    pub(super) first: Place,
    pub(super) digest: [u8; 32],
}

/// The first key after the records of all topics.
pub(super) const TOPICS_END: &[u8] = b"u";
pub(super) const CLOCK: &[u8] = b"c";
pub(super) const WITHOUT_EVENTS: &[u8] = b"p";

pub(super) fn topic(name: &[u8]) -> Vec<u8> {
    [b"t", name].concat()
}

pub(super) fn name(id: TopicId) -> [u8; 9] {
    one(b'n', id)
}

pub(super) fn without_events(stamp: u64, id: TopicId) -> [u8; 17] {
    two(b'p', stamp, id)
}

/// The stamp and the topic of a key of a topic without events.
pub(super) fn read_without_events(key: &[u8]) -> Option<(u64, TopicId)> {
    read_two(b'p', key)
}

/// The prefix of the keys of a topic's events.
pub(super) fn events(id: TopicId) -> [u8; 9] {
    one(b'e', id)
}

pub(super) fn event(id: TopicId, number: u64) -> [u8; 17] {
    two(b'e', id, number)
}

/// The topic and the number in the key of an event.
pub(super) fn read_event(key: &[u8]) -> Option<(TopicId, u64)> {
    read_two(b'e', key)
}

/// The key for an ID that the application gave. It has a hash, because an ID may be longer than a
/// key; compare the ID of the event that is found.
pub(super) fn given_id(id: TopicId, given: &str) -> Vec<u8> {
    [&one(b'i', id)[..], &xxh3_128(given.as_bytes()).to_be_bytes()].concat()
}

pub(super) fn once(id: TopicId, key: &[u8]) -> Vec<u8> {
    [&one(b'k', id)[..], key].concat()
}

fn one(kind: u8, number: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

fn two(kind: u8, first: u64, second: u64) -> [u8; 17] {
    let mut key = [kind; 17];
    key[1..9].copy_from_slice(&first.to_be_bytes());
    key[9..].copy_from_slice(&second.to_be_bytes());
    key
}

fn read_two(kind: u8, key: &[u8]) -> Option<(u64, u64)> {
    let (first, second) = key.strip_prefix(&[kind])?.split_first_chunk()?;
    Some((u64::from_be_bytes(*first), u64::from_be_bytes(second.try_into().ok()?)))
}

/// A value passed the engine's checksums but cannot be parsed.
#[derive(Debug)]
pub(super) struct Malformed;

/// Takes numbers from the front of a value.
fn numbers<'a, const N: usize>(value: &mut &'a [u8]) -> Result<[u64; N], Malformed> {
    let (numbers, rest) = value.split_at_checked(N * 8).ok_or(Malformed)?;
    *value = rest;
    let (numbers, _) = numbers.as_chunks::<8>();
    let numbers: &'a [[u8; 8]; N] = numbers.try_into().map_err(|_| Malformed)?;
    Ok(numbers.map(u64::from_be_bytes))
}

pub(super) fn read_number(mut from: &[u8]) -> Result<u64, Malformed> {
    numbers(&mut from).map(|[number]| number)
}

pub(super) fn write_number(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

impl Clock {
    pub(super) fn read(mut from: &[u8]) -> Result<Self, Malformed> {
        numbers(&mut from).map(|[stamp, next_topic, forgotten]| Self { stamp, next_topic, forgotten })
    }

    pub(super) fn write(self) -> Vec<u8> {
        [self.stamp, self.next_topic, self.forgotten].map(u64::to_be_bytes).concat()
    }
}

impl TopicRecord {
    pub(super) fn read(mut from: &[u8]) -> Result<Self, Malformed> {
        let [id, stamp, number, until, lasting] = numbers(&mut from)?;
        let ended = (until > 0).then_some(Ended { until, lasting });
        let given = str::from_utf8(from).map_err(|_| Malformed)?;
        let given = (!given.is_empty()).then(|| given.into());
        Ok(Self { id, place: Place::new(stamp, number), ended, given })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let (until, lasting) = self.ended.map_or((0, 0), |ended| (ended.until, ended.lasting));
        let numbers = [self.id, self.place.stamp, self.place.number, until, lasting];
        let mut value = numbers.map(u64::to_be_bytes).concat();
        value.extend(self.given.as_deref().unwrap_or_default().as_bytes());
        value
    }
}

impl Once {
    pub(super) fn read(mut from: &[u8]) -> Result<Self, Malformed> {
        let [stamp, number] = numbers(&mut from)?;
        Ok(Self { first: Place::new(stamp, number), digest: from.try_into().map_err(|_| Malformed)? })
    }

    pub(super) fn write(self) -> Vec<u8> {
        [&self.first.stamp.to_be_bytes()[..], &self.first.number.to_be_bytes(), &self.digest].concat()
    }
}

/// Format: `stamp: u64, length of the ID: u32, ID, bytes`. An empty ID means that the application
/// gave none.
impl<'a> Record<'a> {
    pub(super) fn read(number: u64, mut from: &'a [u8]) -> Result<Self, Malformed> {
        let [stamp] = numbers(&mut from)?;
        let (length, rest) = from.split_first_chunk().ok_or(Malformed)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed)?;
        let (given, bytes) = rest.split_at_checked(length).ok_or(Malformed)?;
        let given = str::from_utf8(given).map_err(|_| Malformed)?;
        let given = (!given.is_empty()).then_some(given);
        Ok(Self { place: Place::new(stamp, number), given, bytes })
    }

    pub(super) fn write(self) -> Vec<u8> {
        let given = self.given.unwrap_or_default();
        let length = u32::try_from(given.len()).expect("a batch is smaller");
        let mut value = Vec::with_capacity(12 + given.len() + self.bytes.len());
        value.extend(self.place.stamp.to_be_bytes());
        value.extend(length.to_be_bytes());
        value.extend(given.as_bytes());
        value.extend(self.bytes);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let place = Place::new(1 << 40, 7);
        for (given, bytes) in [(None, &b"data: x\n"[..]), (Some("é"), b""), (Some("a"), b"\0")] {
            let record = Record { place, given, bytes };
            assert_eq!(Record::read(7, &record.write()).unwrap(), record);
        }
        for given in [None, Some("é".into())] {
            for ended in [None, Some(Ended { until: 9, lasting: 0 })] {
                let record = TopicRecord { id: 3, place, ended, given: given.clone() };
                assert_eq!(TopicRecord::read(&record.write()).unwrap(), record);
            }
        }
        let once = Once { first: place, digest: [7; 32] };
        assert_eq!(Once::read(&once.write()).unwrap(), once);
        let clock = Clock { stamp: 1, next_topic: 2, forgotten: 3 };
        assert_eq!(Clock::read(&clock.write()).unwrap(), clock);
        assert_eq!(read_event(&event(5, 6)), Some((5, 6)));
        assert_eq!(read_without_events(&without_events(5, 6)), Some((5, 6)));
    }

    #[test]
    fn a_value_that_is_cut_is_malformed_or_shorter_never_a_panic() {
        let record = Record { place: Place::new(1, 1), given: Some("id"), bytes: b"bytes" }.write();
        for cut in 0..record.len() {
            let read = Record::read(1, &record[..cut]);
            assert_eq!(read.is_ok(), cut >= record.len() - b"bytes".len(), "cut at {cut}");
        }
        assert!(Record::read(1, &[0xff; 20]).is_err(), "a length beyond the end");
        assert!(Clock::read(&[0; 23]).is_err() && TopicRecord::read(&[0; 39]).is_err());
        assert!(Once::read(&[0; 47]).is_err() && read_number(&[0; 7]).is_err());
    }
}
