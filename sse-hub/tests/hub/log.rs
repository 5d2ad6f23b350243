//! A hub on a log of the application's.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use sse_hub::{EventBuilder, Gap, HistoryLimits, Hub, HubConfig, Log, MemoryLog, Subscription};

use super::{data, frame, ready};

/// A log of another engine: it may wait, and fail, and it is slow to wake who waits for its news.
struct Flaky {
    log: MemoryLog,
    news: Arc<AtomicUsize>,
}

impl Flaky {
    fn new() -> Self {
        Self { log: MemoryLog::new(HistoryLimits::default()), news: Arc::default() }
    }
}

impl Log for Flaky {
    type Cursor = <MemoryLog as Log>::Cursor;
    type Error = std::io::Error;

    async fn append(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, Self::Error> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if events.len() > 1 {
            return Err(std::io::Error::other("disk full"));
        }
        let ids = self.log.append(events).await.unwrap();
        self.news.fetch_add(1, Ordering::Relaxed);
        Ok(ids)
    }

    async fn seek(&self, last_event_id: &str) -> Result<Self::Cursor, (Gap, Self::Cursor)> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.log.seek(last_event_id).await
    }

    fn end(&self) -> Self::Cursor {
        self.log.end()
    }

    fn read(&self, cursor: &mut Self::Cursor) -> Result<Option<Bytes>, Gap> {
        self.log.read(cursor)
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        let (news, before) = (Arc::clone(&self.news), self.news.load(Ordering::Relaxed));
        // Who looks is told; a waker would be called later, for those that have not looked by then.
        poll_fn(move |_| if news.load(Ordering::Relaxed) == before { Poll::Pending } else { Poll::Ready(()) })
    }

    fn id_before(&self, cursor: &Self::Cursor) -> Option<String> {
        self.log.id_before(cursor)
    }

    fn lag(&self, cursor: &Self::Cursor) -> u64 {
        self.log.lag(cursor)
    }

    fn expire(&self) -> bool {
        self.log.expire()
    }
}

#[tokio::test(start_paused = true)]
async fn another_log_takes_the_place_of_memory() {
    let hub = Hub::with_log(HubConfig::default(), |name| {
        assert_eq!(name, "t");
        Flaky::new()
    });
    let topic = hub.topic("t").unwrap();
    let id = topic.publish(EventBuilder::new().data("a")).await.unwrap();
    let error = topic.publish_all(&[EventBuilder::new(), EventBuilder::new()]).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), hub.metrics().published), ("disk full", 1));
    let mut subscription = topic.subscribe(Some(&id)).await.unwrap();
    let (bytes, published) =
        tokio::join!(frame(&mut subscription), topic.publish(EventBuilder::new().data("b")));
    assert!(published.is_ok());
    assert_eq!(data(&bytes.unwrap()), ["b"]);
}

/// A subscription that is polled by whoever wakes it, at once.
struct Eager {
    subscription: Mutex<Subscription<Flaky>>,
    read: Mutex<Vec<Bytes>>,
}

impl Eager {
    fn poll(self: &Arc<Self>) {
        let waker = Waker::from(Arc::new(Call(Arc::downgrade(self))));
        let mut subscription = self.subscription.lock().unwrap();
        while let Poll::Ready(Some(Ok(frame))) =
            Pin::new(&mut *subscription).poll_frame(&mut Context::from_waker(&waker))
        {
            self.read.lock().unwrap().push(frame.into_data().unwrap());
        }
    }
}

/// Does not own the subscription, which keeps it.
struct Call(Weak<Eager>);

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        if let Some(eager) = self.0.upgrade() {
            eager.poll();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_news_before_others_are_told_tells_them() {
    let config = HubConfig { keep_alive: Duration::MAX, ..HubConfig::default() };
    let topic = Hub::with_log(config, |_| Flaky::new()).topic("t").unwrap();
    let mut finder = topic.subscribe(None).await.unwrap();
    let subscription = Mutex::new(topic.subscribe(None).await.unwrap());
    let waits = Arc::new(Eager { subscription, read: Mutex::default() });
    waits.poll();
    assert_eq!(waits.read.lock().unwrap().len(), 1, "its place");
    topic.publish(EventBuilder::new().data("a")).await.unwrap();
    while ready(&mut finder).await.is_some() {}
    assert_eq!(data(&waits.read.lock().unwrap()[1..].concat()), ["a"]);
}
