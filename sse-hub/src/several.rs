//! Several topics over one connection, because browsers allow six connections to a host with
//! HTTP/1.1.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use sse_http::server::LastEventId;

use crate::{From, HubError, Subscription, Topic};

/// How many topics one connection may follow.
const TOPICS: usize = 32;
/// The longest ID, in bytes, so that it fits a header.
const ID: usize = 4096;
/// The longest text of a place, in bytes.
const PLACE: usize = 41;

/// A body that follows several topics.
///
/// The ID of each event is a token that holds the place in every topic,
/// `news=1764195000000000-7&prices=1764195000000001-3`, so that the client resumes exactly. The
/// token is the form-encoded list of topic names and IDs. If publishers chose IDs so long that the
/// token would exceed 4,096 bytes, the event gets no ID, and may be sent again after a
/// reconnection.
///
/// The body ends when all of its topics have ended.
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
}

struct Member {
    name: String,
    /// The subscription to one topic; `None` once it has ended.
    subscription: Option<Subscription>,
    /// The ID of the last event that was sent, or of the place where the subscription began; `None`
    /// while unknown.
    id: Option<String>,
}

/// Why several topics cannot be followed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeveralError {
    /// No topic was named.
    NoTopic,
    /// There are more than 32 topics, or their names are so long that an ID would be longer than
    /// 4,096 bytes.
    TooManyTopics,
    /// The hub refused, as for one topic; [`HubError::Ended`] if all topics have ended.
    Hub(HubError),
}

impl fmt::Display for SeveralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("no topic is named: give at least one"),
            Self::TooManyTopics => {
                write!(f, "more than {TOPICS} topics, or names of more than {ID} bytes together")
            }
            Self::Hub(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SeveralError {}

impl std::convert::From<HubError> for SeveralError {
    fn from(error: HubError) -> Self {
        Self::Hub(error)
    }
}

impl SeveralTopics {
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
        if distinct.is_empty() {
            return Err(SeveralError::NoTopic);
        }
        let longest: usize = distinct.iter().map(|topic| pair(topic.name(), "").len() + PLACE + 1).sum();
        if distinct.len() > TOPICS || longest > ID {
            return Err(SeveralError::TooManyTopics);
        }
        let places = after.as_deref().map(|id| (id, places(id, &distinct)));
        for (index, topic) in distinct.iter().enumerate() {
            let known = places.as_ref().and_then(|(_, places)| places.get(index)?.clone());
            let from = match (&places, &known) {
                (None, _) => From::Now,
                (Some((id, _)), _) if *id == "earliest" => From::Earliest,
                (Some(_), Some(place)) => From::After(place),
                // A token with none of these topics is an unknown ID.
                (Some((_, places)), None) if places.iter().any(Option::is_some) => From::Now,
                (Some((id, _)), None) => From::After(id),
            };
            match topic.subscribe(from).await {
                Ok(subscription) => members.push(Member {
                    name: topic.name().to_owned(),
                    subscription: Some(subscription),
                    id: known,
                }),
                Err(HubError::Ended) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if members.is_empty() {
            Err(HubError::Ended.into())
        } else {
            Ok(Self { members, turn: 0, label: false })
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

    /// Rewrites the events of one frame of the member at `index`, with tokens as IDs.
    fn translate(&mut self, index: usize, frame: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(frame.len() + 64 * self.members.len());
        for block in blocks(frame) {
            let has = |field: &[u8]| block.split(|byte| *byte == b'\n').any(|line| line.starts_with(field));
            if self.label && has(b"data:") && !has(b"event:") {
                out.extend_from_slice(format!("event: {}\n", self.members[index].name).as_bytes());
            }
            for line in block.split_inclusive(|byte| *byte == b'\n') {
                if let Some(id) = line.strip_prefix(b"id: ") {
                    let id = String::from_utf8_lossy(id.trim_ascii_end()).into_owned();
                    self.members[index].id = Some(id);
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
        }
        out
    }

    /// The token that holds the places of all topics.
    fn token(&self) -> String {
        let known = self.members.iter().filter_map(|member| Some(pair(&member.name, member.id.as_deref()?)));
        known.collect::<Vec<_>>().join("&")
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
                    Poll::Ready(None) => this.members[index].subscription = None,
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
mod tests {
    use http_body_util::BodyExt as _;
    use proto::{EventBuilder, Message, Parser};

    use super::*;
    use crate::{Hub, HubConfig};

    /// The next `count` events of a stream.
    async fn events(stream: &mut SeveralTopics, count: usize) -> Vec<Message> {
        let mut parser = Parser::new();
        let mut events = Vec::new();
        while events.len() < count {
            let frame = stream.frame().await.expect("it goes on").expect("it cannot fail");
            let bytes = frame.into_data().expect("there are no trailers");
            let mut input = &bytes[..];
            while let Some(event) = parser.next_event(&mut input).expect("it is within the limits") {
                events.push(event.into());
            }
        }
        events
    }

    fn data(events: &[Message]) -> Vec<&str> {
        events.iter().map(Message::data).collect()
    }

    fn after(id: &str) -> LastEventId {
        LastEventId(Some(id.to_owned()))
    }

    async fn publish(topic: &Topic, data: &str) {
        topic.publish(EventBuilder::new().data(data)).await.expect("memory takes it");
    }

    #[tokio::test(start_paused = true)]
    async fn resuming_is_exact_in_each_topic_after_every_event() {
        let hub = Hub::new(HubConfig::default());
        let topics = [hub.topic("a b").unwrap(), hub.topic("c=d&e").unwrap(), hub.topic("quiet").unwrap()];
        let mut stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
        for n in 0..4 {
            publish(&topics[0], &format!("a{n}")).await;
            publish(&topics[1], &format!("c{n}")).await;
        }
        let seen = events(&mut stream, 8).await;
        for (index, event) in seen.iter().enumerate() {
            let mut again = SeveralTopics::subscribe(&topics, &after(event.id())).await.unwrap();
            publish(&topics[2], "end").await;
            let rest = events(&mut again, 8 - index).await;
            let mut expected: Vec<&str> = data(&seen[index + 1..]);
            expected.push("end");
            let mut rest = data(&rest);
            expected.sort_unstable();
            rest.sort_unstable();
            assert!(
                expected.iter().all(|data| rest.contains(data)),
                "{index}: {rest:?} lacks some of {expected:?}"
            );
            assert_eq!(
                rest.iter().filter(|data| **data != "end").count(),
                7 - index,
                "{index}: nothing comes twice"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_id_is_a_gap_and_a_new_topic_begins_now() {
        let hub = Hub::new(HubConfig::default());
        let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
        publish(&topics[0], "old").await;
        publish(&topics[1], "old").await;
        let mut lost = SeveralTopics::subscribe(&topics, &after("of-another-server")).await.unwrap();
        let seen = events(&mut lost, 2).await;
        assert!(seen.iter().any(|event| event.event() == crate::GAP_EVENT), "{seen:?}");

        let id = topics[0].last_event_id().await.unwrap();
        let mut grown = SeveralTopics::subscribe(&topics, &after(&pair("a", &id))).await.unwrap();
        publish(&topics[1], "new").await;
        assert_eq!(data(&events(&mut grown, 1).await), ["new"]);
    }

    #[tokio::test(start_paused = true)]
    async fn label_types_puts_the_topic_into_each_event_type() {
        let hub = Hub::new(HubConfig::default());
        let topics = [hub.topic("news").unwrap()];
        let stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
        let mut stream = stream.label_types();
        let typed = EventBuilder::new().event("price").unwrap().data("1\n\n2");
        topics[0].publish_all(&[typed, EventBuilder::new().data("x")]).await.unwrap();
        let seen = events(&mut stream, 2).await;
        assert_eq!((seen[0].event(), seen[0].data()), ("news:price", "1\n\n2"));
        assert_eq!(seen[1].event(), "news");
    }

    #[tokio::test(start_paused = true)]
    async fn one_heartbeat_serves_all_topics_and_moves_no_position() {
        let config = HubConfig::default().with_heartbeat("alive").unwrap();
        let hub = Hub::new(config);
        let topics = [hub.topic("a").unwrap(), hub.topic("b").unwrap()];
        let stream = SeveralTopics::subscribe(&topics, &LastEventId(None)).await.unwrap();
        let mut stream = stream.label_types();
        let start = tokio::time::Instant::now();
        let seen = events(&mut stream, 2).await;
        assert_eq!(
            start.elapsed(),
            2 * proto::KeepAlive::INTERVAL,
            "one for each interval, not one for each topic"
        );
        assert!(seen.iter().all(|event| (event.event(), event.data()) == ("alive", "")), "{seen:?}");
        publish(&topics[1], "x").await;
        let mut again = SeveralTopics::subscribe(&topics, &after(seen[1].id())).await.unwrap();
        assert_eq!(data(&events(&mut again, 1).await), ["x"], "the ID of before is still the client's");
    }

    #[tokio::test(start_paused = true)]
    async fn no_topics_too_many_topics_and_ended_topics_are_refused() {
        let hub = Hub::new(HubConfig::default());
        let none = LastEventId(None);
        let error = |topics: Vec<Topic>| {
            let none = none.clone();
            async move { SeveralTopics::subscribe(&topics, &none).await.err() }
        };
        assert_eq!(error(Vec::new()).await, Some(SeveralError::NoTopic));
        let many =
            |count: usize| (0..count).map(|n| hub.topic(&format!("t{n}")).unwrap()).collect::<Vec<_>>();
        assert_eq!(error(many(32)).await, None);
        assert_eq!(error(many(33)).await, Some(SeveralError::TooManyTopics));
        let again = vec![hub.topic("t0").unwrap(); 40];
        assert_eq!(error(again).await, None, "a topic that is named again counts once");
        let long = (0..32).map(|n| hub.topic(&format!("{n}{}", "é".repeat(60))).unwrap()).collect();
        assert_eq!(error(long).await, Some(SeveralError::TooManyTopics));
        let topic = hub.topic("over").unwrap();
        publish(&topic, "x").await;
        topic.end().await.unwrap();
        assert_eq!(error(vec![topic.clone()]).await, Some(SeveralError::Hub(HubError::Ended)));
        assert_eq!(error(vec![topic, hub.topic("t0").unwrap()]).await, None, "the other goes on");
    }
}
