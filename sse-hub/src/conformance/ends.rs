//! Tests of the end of a topic.

use std::time::Duration;

use super::{ALL, Case, batch, data};
use crate::{After, AppendError, Located, Update};

pub(super) async fn a_topic_that_ended_is_refused_for_a_while(case: Case) {
    let topic = case.topic("t");
    let lasting = Duration::from_millis(1500);
    assert!(!case.log.end(&case.topic("never"), lasting).await.unwrap(), "there is none");
    let old = case.append(&topic, &["a", "b"]).await;
    let (mut followed, _following) = case.follow(&topic).await;
    assert!(case.log.end(&topic, lasting).await.unwrap());
    assert_eq!(followed.next().await, Update::Ended);
    assert_eq!(case.log.append(&topic, batch(&["c"])).await.unwrap_err(), AppendError::Ended);
    let extent = case.log.open(&topic, ALL).await.unwrap();
    assert!(extent.ended.is_some_and(|left| left <= lasting) && extent.newest.is_empty(), "{extent:?}");
    assert!(!case.log.end(&topic, 100 * lasting).await.unwrap(), "ended already: this has no effect");
    for topic in ["never", "other"] {
        assert!(case.log.append(&case.topic(topic), batch(&["x"])).await.is_ok(), "{topic} was not ended");
    }

    let mut waited = 0;
    let first = loop {
        match case.log.append(&topic, batch(&["new"])).await {
            Ok(appended) => break appended.first,
            Err(error) => assert_eq!(error, AppendError::Ended),
        }
        assert!(waited < 100, "refused for more than ten seconds");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(first.stamp > old.stamp, "no place is given twice: {old}, {first}");
    assert_eq!(
        data(&case.read(&topic, After::Number { number: first.number - 1, until: first }).await),
        ["new"],
        "the old events are gone"
    );
    let located = case.log.locate(&topic, &old.to_string()).await.unwrap();
    assert!(
        matches!(located, Located::Gone { .. }),
        "{located:?}: a reader of the first event missed the second"
    );

    let (mut alone, _following) = case.follow(&case.topic("followed")).await;
    assert!(case.log.end(&case.topic("followed"), lasting).await.unwrap(), "a follower creates the topic");
    assert_eq!(alone.next().await, Update::Ended);
}
