//! Tests of a log that outlives the process.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{ALL, Case, batch, data};
use crate::{AppendError, Located, Log, Place};

/// Closes and reopens a log, and checks that it continues after its last event. `open` opens the
/// log each time.
pub async fn survives<F: Future<Output = Arc<dyn Log>>>(open: impl Fn() -> F, prefix: &str) {
    let case = |log| Case { log, prefix: format!("{prefix}survives") };
    let before = case(open().await);
    let (topic, ended, empty) = (before.topic("t"), before.topic("ended"), before.topic("empty"));
    let mut keyed = batch(&["a", "b"]).with_key("k");
    keyed.events[1].id = Some(Arc::from("mine"));
    let first = before.log.append(&topic, keyed.clone()).await.unwrap().first;
    let last = before.append(&topic, &["c"]).await;
    let told = before.log.open(&empty, ALL).await.unwrap().last;
    before.append(&ended, &["x"]).await;
    assert!(before.log.end(&ended, Duration::from_secs(3600)).await.unwrap());
    let stored = before.read(&topic, Place::default()).await;
    before.log.close().await;
    assert!(before.log.append(&topic, batch(&["late"])).await.is_err(), "it is closed");
    drop(before);

    let after = case(open().await);
    assert_eq!(after.read(&topic, Place::default()).await, stored);
    let extent = after.log.open(&topic, ALL).await.unwrap();
    assert_eq!((extent.start.number, extent.last, data(&extent.newest).len()), (0, last, 3));
    assert_eq!(after.log.locate(&topic, "mine").await.unwrap(), Located::After(first.plus(1)));
    assert_eq!(after.log.locate(&topic, &last.to_string()).await.unwrap(), Located::After(last));
    let located = after.log.locate(&empty, &told.to_string()).await.unwrap();
    assert!(
        matches!(located, Located::After(place) if place.number == 0),
        "nothing was published: {located:?}"
    );
    let again = after.log.append(&topic, keyed).await.unwrap();
    assert_eq!((again.first, again.repeated), (first, true));
    assert_eq!(after.log.append(&ended, batch(&["y"])).await.unwrap_err(), AppendError::Ended);
    let next = after.append(&topic, &["d"]).await;
    assert!(last.is_followed_by(next) && next.stamp > last.stamp, "{last}, {next}");
    after.log.close().await;
}
