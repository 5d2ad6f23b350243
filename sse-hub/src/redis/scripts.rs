//! Scripts that run in Redis, with typed arguments and answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proto::HistoryLimits;
use redis::{Cmd, Script, Value};
use sha2::{Digest as _, Sha256};

use super::known::Claims;
use super::names::{self, Names};
use super::server::{Failure, Server};
use crate::Place;
use crate::log::{After, Amount, Batch, Stored};

/// The version of the stored format; a topic of another version is refused.
const FORMAT: &str = "2";

/// The scripts of a node.
pub(super) struct Scripts {
    publish: Script,
    open: Script,
    read: Script,
    end: Script,
}

impl Scripts {
    /// Creates the scripts, with the version and the limits written into them: arguments would be
    /// read for each call.
    pub(super) fn new(keep: &HistoryLimits) -> Self {
        let HistoryLimits { events, bytes, .. } = keep;
        let age = keep.age.as_micros();
        let life = keep.age.as_millis() * 9 / 8;
        // The counter outlives its events, so that subscribers of a quiet topic come back without a
        // gap.
        let meta_life = (4 * keep.age).max(Duration::from_secs(30 * 86400)).as_millis();
        let head = format!(
            "local version, max_events, max_bytes, age = '{FORMAT}', '{events}', {bytes}, {age}\n\
             local life, meta_life = {life}, {meta_life}\n{}\n",
            include_str!("topic.lua")
        );
        let script = |body: &str| Script::new(&(head.clone() + body));
        Self {
            publish: script(include_str!("publish.lua")),
            open: script(include_str!("open.lua")),
            read: script(include_str!("read.lua")),
            end: script(include_str!("end.lua")),
        }
    }
}

/// Result of publishing a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    Appended {
        first: Place,
        /// Whether the answer shows that the server lost events that this node knew.
        lost: bool,
    },
    /// The batch had been appended earlier, with the same key.
    Repeated(Place),
    /// The batch's key had been used for other events.
    KeyReused,
    /// The topic was ended recently.
    Ended,
}

/// State of a topic on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The place of the newest event, kept or not.
    pub(super) newest: Place,
    pub(super) newest_id: Option<Arc<str>>,
    /// The stamp at which counting began; 0 if the topic has had no events.
    pub(super) base: u64,
    /// The stamp from which on events came after the last loss; 0 for no loss.
    pub(super) loss: u64,
    /// The stamp of the loss before the last one; no older losses are stored.
    pub(super) former_loss: u64,
    /// Whether the server itself knows of the losses, and not only this answer.
    pub(super) marked: bool,
    pub(super) ended: Option<Duration>,
    /// The server's clock, in microseconds since 1970.
    pub(super) now: u64,
    /// The place of the oldest event that is kept.
    pub(super) oldest: Option<Place>,
    /// Stamp of the event before that.
    pub(super) previous: u64,
    /// The place of the event with the requested ID.
    pub(super) place: Option<Place>,
    /// The place of the last event whose stamp is not above the stamp of the ID.
    pub(super) floor: Option<Place>,
    /// Whether nothing is kept between that and the loss.
    pub(super) meets: bool,
    /// The newest events, in order.
    pub(super) events: Vec<Stored>,
}

/// A section of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entries {
    /// The requested place with its stamp, if the stream continues directly after it.
    pub(super) after: Option<Place>,
    pub(super) loss: u64,
    pub(super) events: Vec<Stored>,
}

impl Server {
    /// Appends a batch.
    pub(super) async fn publish(&self, names: &Names, batch: &Batch) -> Result<Published, Failure> {
        let newest = self.newest_stamp().to_string();
        // Keys have one length, as the index requires. If a command may be sent twice, every batch
        // gets a key.
        let key = match &batch.key {
            Some(key) => [Sha256::digest(&key.bytes).as_slice(), &key.digest].concat(),
            None if self.may_repeat.load(Ordering::Relaxed) => (0..32).map(|_| fastrand::u8(..)).collect(),
            None => Vec::new(),
        };
        let mut arguments = Vec::with_capacity(2 + 2 * batch.events.len());
        arguments.extend([newest.as_bytes(), &key]);
        for event in &batch.events {
            arguments.extend([event.id.as_deref().unwrap_or_default().as_bytes(), &event.bytes]);
        }
        let (mut answer, claims) = self.ask(&self.scripts.publish, names, &arguments).await?;
        let word = answer.word()?;
        match word.as_str() {
            "ok" | "again" => {
                let first = Place::new(answer.number()?, answer.number()?);
                self.raise_stamp(first.stamp);
                if word == "again" {
                    return Ok(Published::Repeated(first));
                }
                let last = first.plus(batch.events.len() as u64 - 1);
                let lost = self.topics.published(&names.channel, last, answer.number()?, &claims);
                Ok(Published::Appended { first, lost })
            }
            "reused" => Ok(Published::KeyReused),
            "ended" => Ok(Published::Ended),
            other => Err(answer.refused(other, names)),
        }
    }

    /// Reads the state of a topic and its newest events, and looks an ID up in it.
    pub(super) async fn look(
        &self,
        names: &Names,
        id: Option<&str>,
        newest: Amount,
    ) -> Result<Found, Failure> {
        let id = id.unwrap_or_default();
        let place = id.parse::<Place>().map(|_| id).unwrap_or_default();
        let (events, bytes) = (newest.events.to_string(), newest.bytes.to_string());
        let arguments = [id, place, &events, &bytes].map(str::as_bytes);
        let (mut answer, _) = self.ask(&self.scripts.open, names, &arguments).await?;
        match answer.word()?.as_str() {
            "ok" => {
                let (number, stamp) = (answer.number()?, answer.number()?);
                self.raise_stamp(stamp);
                Ok(Found {
                    newest: Place::new(stamp, number),
                    newest_id: Some(answer.word()?).filter(|id| !id.is_empty()).map(Into::into),
                    base: answer.number()?,
                    loss: answer.number()?,
                    former_loss: answer.number()?,
                    marked: answer.number()? == 1,
                    ended: Some(answer.number()?).filter(|&left| left > 0).map(Duration::from_millis),
                    now: answer.number()?,
                    oldest: answer.word()?.parse().ok(),
                    previous: answer.number()?,
                    place: answer.word()?.parse().ok(),
                    floor: answer.word()?.parse().ok(),
                    meets: answer.number()? == 1,
                    events: answer.events(true)?,
                })
            }
            other => Err(answer.refused(other, names)),
        }
    }

    /// Reads events after a place. Unless `anyhow` is set, returns none if the stream does not
    /// continue directly after the place.
    pub(super) async fn read(
        &self,
        names: &Names,
        after: After,
        amount: Amount,
        anyhow: bool,
    ) -> Result<Entries, Failure> {
        let (place, number) = match after {
            After::Place(place) => (place, String::new()),
            After::Number { number, until } => (until, number.to_string()),
        };
        let numbers = [place.stamp, place.number, amount.events.max(1) as u64, amount.bytes.max(1) as u64];
        let [stamp, its_number, events, bytes] = numbers.map(|number| number.to_string());
        let anyhow = if anyhow { "1" } else { "" };
        let arguments = [&*stamp, &its_number, &number, &events, &bytes, anyhow].map(str::as_bytes);
        let (mut answer, _) = self.ask(&self.scripts.read, names, &arguments).await?;
        match answer.word()?.as_str() {
            "ok" => {
                let (follows, stamp, loss) = (answer.number()? == 1, answer.number()?, answer.number()?);
                let after = follows.then_some(Place::new(stamp, after.number()));
                Ok(Entries { after, loss, events: answer.events(false)? })
            }
            other => Err(answer.refused(other, names)),
        }
    }

    /// Ends a topic; returns whether it existed.
    pub(super) async fn end(&self, names: &Names, lasting: Duration) -> Result<bool, Failure> {
        let lasting = lasting.as_millis().to_string();
        let (mut answer, _) = self.ask(&self.scripts.end, names, &[lasting.as_bytes()]).await?;
        match answer.word()?.as_str() {
            "ok" => Ok(answer.number()? == 1),
            other => Err(answer.refused(other, names)),
        }
    }

    /// Runs a script. Each call sends the places of the topic that this node knows, and the server
    /// checks whether they are still there.
    async fn ask(&self, script: &Script, names: &Names, more: &[&[u8]]) -> Result<(Answer, Claims), Failure> {
        // A client that reconnects by itself may use another server by now.
        let all_in_doubt = self.may_repeat.load(Ordering::Relaxed);
        let claims = self.topics.claims(&names.channel, all_in_doubt);
        let length = |length: usize, argument: &&[u8]| length + argument.len();
        let data = more.iter().fold(claims.text.len() + 5 * names.channel.len() + 64, length);
        let mut call = Cmd::with_capacity(8 + more.len(), data);
        call.arg("EVALSHA").arg(script.get_hash()).arg(names::KINDS.len());
        names.write_keys(&mut call);
        call.arg(&claims.text);
        for argument in more {
            call.arg(*argument);
        }
        Ok((Answer::new(self.run(script, &call).await?), claims))
    }
}

/// The list that a script returned, read from its front.
struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    fn word(&mut self) -> Result<String, Failure> {
        match self.0.next() {
            Some(Value::BulkString(bytes)) => {
                String::from_utf8(bytes).map_err(|_| garbled("it is not UTF-8"))
            }
            _ => Err(garbled("a string is missing")),
        }
    }

    fn number(&mut self) -> Result<u64, Failure> {
        match self.0.next() {
            Some(Value::Int(number)) => u64::try_from(number).map_err(|_| garbled("a number is negative")),
            _ => Err(garbled("a number is missing")),
        }
    }

    /// Entries of the stream as events; the events of one batch share a buffer.
    fn events(&mut self, reversed: bool) -> Result<Vec<Stored>, Failure> {
        let Some(Value::Array(values)) = self.0.next() else { return Err(garbled("a list is missing")) };
        let entries = values.into_iter().map(entry).collect::<Option<Vec<_>>>();
        let mut entries = entries.ok_or_else(|| garbled("an entry of the stream lacks a field"))?;
        if reversed {
            entries.reverse();
        }
        let of_one_batch = |one: &Entry, next: &Entry| one.0.plus(1) == next.0;
        let batch = |batch: &[Entry]| {
            Stored::batch(batch[0].0, batch.iter().map(|(_, id, bytes)| (id.clone(), bytes.as_slice())))
        };
        Ok(entries.chunk_by(of_one_batch).flat_map(batch).collect())
    }

    fn refused(&mut self, word: &str, names: &Names) -> Failure {
        let version = self.word().unwrap_or_default();
        match word {
            "version" => Failure::Foreign(format!(
                "{} in Redis has format version {version:?}, and this program knows version {FORMAT}",
                names.channel
            )),
            _ => garbled("its first word is unknown"),
        }
    }
}

type Entry = (Place, Option<Arc<str>>, Vec<u8>);

fn entry(value: Value) -> Option<Entry> {
    let Value::Array(parts) = value else { return None };
    let [Value::BulkString(id), Value::Array(fields)] = <[Value; 2]>::try_from(parts).ok()? else {
        return None;
    };
    let place = str::from_utf8(&id).ok()?.parse().ok()?;
    let (mut own, mut bytes) = (None, None);
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) = (fields.next(), fields.next())
    {
        match name.as_slice() {
            b"b" => bytes = Some(value),
            b"i" => own = Some(String::from_utf8(value).ok()?.into()),
            _ => {}
        }
    }
    Some((place, own, bytes?))
}

fn garbled(how: &str) -> Failure {
    Failure::Foreign(format!("an answer of Redis cannot be read: {how}"))
}
