//! Several topics over one connection, because browsers allow six connections to a host with
//! HTTP/1.1.

mod error;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use sse_http::server::LastEventId;

use crate::subscription::{EARLIEST, now};
use crate::{End, From, HubError, Place, Subscription, Topic};
pub use error::SeveralError;

/// How many topics one connection may follow.
const TOPICS: usize = 32;
/// The longest ID, in bytes, so that it fits a header.
const ID: usize = 4096;
/// The longest text of a place, in bytes.
const PLACE: usize = 41;

/// A body that follows several topics.
///
/// **The ID of each event is a token that holds the place in every topic**,
/// `news=1764195000000000-7&prices=1764195000000001-3`, so that the client resumes exactly. The
/// token is the form-encoded list of topic names and IDs. If publishers chose IDs so long that the
/// token would exceed 4,096 bytes, the event gets no ID, and may be sent again after a
/// reconnection.
///
/// The log may be unavailable when the body begins, so that the place in a topic is not known yet.
/// Until then the token holds `earliest`, or a place with the time of the subscription and the
/// number 0. If the client resumes from that place, it gets a gap event of unknown size, and then
/// the events since that time.
///
/// If a topic is ended, the body goes on with the other topics; it ends when all topics have ended.
/// If a topic's subscription ends for another reason, because the client is slow or its time is
/// over, the whole body ends, so that the client reconnects and resumes in all topics.
///
/// # Example
///
/// ```
/// use http_body_util::BodyExt;
/// use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, SeveralTopics};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let hub = Hub::new(HubConfig::default());
/// let topics = [hub.topic("news")?, hub.topic("prices")?];
/// let earliest = LastEventId(Some("earliest".into()));
/// topics[1].publish(EventBuilder::new().event("price")?.data("12").id("a")?).await?;
/// let mut both = SeveralTopics::subscribe(&topics, &earliest).await?.label_types();
/// let mut seen = String::new();
/// while !seen.contains("data: 12") {
///     let frame = both.frame().await.unwrap()?;
///     seen.push_str(std::str::from_utf8(frame.data_ref().unwrap())?);
/// }
/// assert!(seen.contains("event: prices:price\ndata: 12\nid: "));
/// assert!(seen.trim_end().ends_with("prices=a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct SeveralTopics {
    members: Vec<Member>,
    /// The index of the member that is polled first, so that a busy member does not delay the
    /// others.
    turn: usize,
    label: bool,
    /// Why the member ended that ended last.
    last: Option<End>,
}

struct Member {
    name: String,
    /// The subscription to one topic; `None` once it has ended.
    subscription: Option<Subscription>,
    /// The ID of the last event that was sent. Before the first one: the ID of the place where the
    /// subscription began, or a position from which it would begin again.
    id: String,
}

impl SeveralTopics {
    /// Checks whether topics with these names, each given once, can be followed together: there are
    /// 1 to 32, whose IDs together have at most 4,096 bytes. [`subscribe`](Self::subscribe) checks
    /// this too; call it for names from a peer, before their topics are made.
    ///
    /// # Errors
    ///
    /// [`SeveralError::NoTopic`] or [`SeveralError::TooManyTopics`].
    pub fn check<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), SeveralError> {
        let (mut count, mut longest) = (0, 0);
        for name in names {
            count += 1;
            longest += pair(name, "").len() + PLACE + 1;
            if count > TOPICS || longest > ID {
                return Err(SeveralError::TooManyTopics);
            }
        }
        if count == 0 { Err(SeveralError::NoTopic) } else { Ok(()) }
    }

    /// Subscribes to each of the topics; a topic that is named twice counts once.
    ///
    /// A token from an earlier connection holds the place at which each topic resumes; a topic that
    /// is not in the token begins with the events published from now on. `earliest` means every
    /// kept event. Any other ID is unknown to all topics, which then begin with a gap.
    ///
    /// # Errors
    ///
    /// [`SeveralError`] if the topics cannot be followed together, or if the hub refuses.
    pub async fn subscribe(topics: &[Topic], after: &LastEventId) -> Result<Self, SeveralError> {
        let mut members: Vec<Member> = Vec::new();
        let mut distinct: Vec<&Topic> = Vec::new();
        for topic in topics {
            if distinct.iter().all(|other| other.name() != topic.name()) {
                distinct.push(topic);
            }
        }
        Self::check(distinct.iter().map(|topic| topic.name()))?;
        let places = after.as_deref().map_or_else(Vec::new, |id| places(id, &distinct));
        // A token with none of these topics is an unknown ID.
        let unknown = after.as_deref().filter(|_| places.iter().all(Option::is_none));
        let since = Place::new(now(), 0).to_string();
        for (index, topic) in distinct.iter().enumerate() {
            let known = places.get(index).and_then(Option::as_deref);
            let from = From::from(known.or(unknown));
            match topic.subscribe(from).await {
                Ok(subscription) => members.push(Member {
                    name: topic.name().to_owned(),
                    id: match (subscription.first_id(), from) {
                        (Some(id), _) | (None, From::After(id)) => id.to_owned(),
                        (None, From::Earliest) => EARLIEST.to_owned(),
                        (None, From::Now) => since.clone(),
                    },
                    subscription: Some(subscription),
                }),
                Err(HubError::Ended) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if members.is_empty() {
            Err(HubError::Ended.into())
        } else {
            Ok(Self { members, turn: 0, label: false, last: None })
        }
    }

    /// Writes the topic of each event into its type, where an `EventSource` sees it: type `price`
    /// of topic `news` becomes `news:price`, and an event without a type becomes `news`.
    #[must_use]
    pub fn label_types(mut self) -> Self {
        self.label = true;
        self
    }

    /// Ends the stream between two events once this much time has passed, as
    /// [`Subscription::end_after`](crate::Subscription::end_after) does.
    #[must_use]
    pub fn end_after(mut self, time: Duration) -> Self {
        for member in &mut self.members {
            member.subscription = member.subscription.take().map(|subscription| subscription.end_after(time));
        }
        self
    }

    /// Why it ended: the end of the topic that ended last; `None` while it goes on.
    pub fn end(&self) -> Option<End> {
        self.last.filter(|_| self.is_end_stream())
    }

    /// Rewrites the events of one frame of the member at `index`, with tokens as IDs.
    fn translate(&mut self, index: usize, frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(frame.len() + 64 * self.members.len());
        for block in blocks(frame) {
            let start = out.len();
            let has = |field: &[u8]| block.split(|byte| *byte == b'\n').any(|line| line.starts_with(field));
            if self.label && has(b"data:") && !has(b"event:") {
                out.extend_from_slice(format!("event: {}\n", self.members[index].name).as_bytes());
            }
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                if let Some(id) = line.strip_prefix(b"id: ") {
                    let id = id.strip_suffix(b"\n").unwrap_or(id);
                    self.members[index].id = String::from_utf8_lossy(id).into_owned();
                    let token = self.token();
                    if token.len() <= ID {
                        out.extend_from_slice(format!("id: {token}\n").as_bytes());
                    }
                } else if let Some(kind) = line.strip_prefix(b"event: ").filter(|_| self.label) {
                    out.extend_from_slice(format!("event: {}:", self.members[index].name).as_bytes());
                    out.extend_from_slice(kind);
                } else {
                    out.extend_from_slice(line);
                }
            }
            // Nothing is left of a block that had only an ID.
            if out[start..] == *b"\n" {
                out.truncate(start);
            }
        }
        out
    }

    /// The token that holds the places of all topics.
    fn token(&self) -> String {
        let pairs = self.members.iter().map(|member| pair(&member.name, &member.id));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Whether this member's keep-alives are sent: those of one topic are enough for the
    /// connection.
    fn is_first(&self, index: usize) -> bool {
        self.members.iter().position(|member| member.subscription.is_some()) == Some(index)
    }
}

/// A name and an ID, form-encoded.
fn pair(name: &str, id: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, id).finish()
}

/// Reads the ID of each topic from a token.
fn places(token: &str, topics: &[&Topic]) -> Vec<Option<String>> {
    let mut places = vec![None; topics.len()];
    for (name, id) in form_urlencoded::parse(token.as_bytes()) {
        if let Some(index) = topics.iter().position(|topic| topic.name() == name) {
            places[index] = Some(id.into_owned()).filter(|id| !id.is_empty());
        }
    }
    places
}

/// Splits a frame into blocks with their blank lines. The encoder writes only LF as line end.
fn blocks(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frame;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.windows(2).position(|pair| pair == b"\n\n").map_or(rest.len(), |at| at + 2);
        let (block, tail) = rest.split_at(end);
        rest = tail;
        Some(block)
    })
}

impl Body for SeveralTopics {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let count = this.members.len();
        for step in 0..count {
            let index = (this.turn + step) % count;
            while let Some(subscription) = &mut this.members[index].subscription {
                match Pin::new(&mut *subscription).poll_frame(cx) {
                    Poll::Pending => break,
                    Poll::Ready(None) => {
                        this.last = subscription.end();
                        this.members[index].subscription = None;
                        if !matches!(this.last, Some(End::TopicEnded | End::HubClosed)) {
                            // The client can only get the rest of this topic by resuming. A closed
                            // hub ends each subscription after its last event.
                            this.members.iter_mut().for_each(|member| member.subscription = None);
                            return Poll::Ready(None);
                        }
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        let Ok(data) = frame.into_data() else { continue };
                        if subscription.is_sign_of_life(&data) {
                            if this.is_first(index) {
                                return Poll::Ready(Some(Ok(Frame::data(data))));
                            }
                            continue;
                        }
                        this.turn = (index + 1) % count;
                        let bytes = this.translate(index, &data);
                        if bytes.is_empty() {
                            continue;
                        }
                        return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
                    }
                }
            }
        }
        if this.is_end_stream() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        self.members.iter().all(|member| member.subscription.is_none())
    }
}

impl fmt::Debug for SeveralTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|member| &member.name).collect();
        f.debug_struct("SeveralTopics").field("topics", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
