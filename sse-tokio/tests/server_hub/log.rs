//! A hub on a log of the application's.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use sse_tokio::server::{EventBuilder, Gap, HistoryLimits, Hub, HubConfig, Log, MemoryLog};

use super::{data, frame};

/// A log of another engine: it may wait, and fail.
struct Flaky(MemoryLog);

impl Log for Flaky {
    type Cursor = <MemoryLog as Log>::Cursor;
    type Error = std::io::Error;

    async fn append(&self, events: &[EventBuilder<'_>]) -> Result<Vec<String>, Self::Error> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if events.len() > 1 {
            return Err(std::io::Error::other("disk full"));
        }
        Ok(self.0.append(events).await.unwrap())
    }

    async fn seek(&self, last_event_id: &str) -> Result<Self::Cursor, (Gap, Self::Cursor)> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.0.seek(last_event_id).await
    }

    fn end(&self) -> Self::Cursor {
        self.0.end()
    }

    fn read(&self, cursor: &mut Self::Cursor) -> Result<Option<Bytes>, Gap> {
        self.0.read(cursor)
    }

    fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.changed()
    }

    fn id_before(&self, cursor: &Self::Cursor) -> Option<String> {
        self.0.id_before(cursor)
    }

    fn lag(&self, cursor: &Self::Cursor) -> u64 {
        self.0.lag(cursor)
    }

    fn expire(&self) -> bool {
        self.0.expire()
    }
}

#[tokio::test(start_paused = true)]
async fn another_log_takes_the_place_of_memory() {
    let hub = Hub::with_log(HubConfig::default(), |name| {
        assert_eq!(name, "t");
        Flaky(MemoryLog::new(HistoryLimits::default()))
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
