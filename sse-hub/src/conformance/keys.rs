//! Tests of idempotency keys.

use std::sync::Arc;

use super::{Case, batch, data};
use crate::{AppendError, Place};

pub(super) async fn a_key_appends_once(case: Case) {
    let topic = case.topic("t");
    let once = batch(&["a", "b"]).with_key("k");
    let first = case.log.append(&topic, once.clone()).await.unwrap();
    assert!(!first.repeated);
    case.append(&topic, &["between"]).await;
    let again = case.log.append(&topic, once).await.unwrap();
    assert_eq!((again.first, again.repeated), (first.first, true));
    let error = case.log.append(&topic, batch(&["a"]).with_key("k")).await.unwrap_err();
    assert_eq!(error, AppendError::KeyReused);
    for key in ["K", "k ", " ", &"é".repeat(64)] {
        assert!(!case.log.append(&topic, batch(&[key]).with_key(key)).await.unwrap().repeated, "{key:?}");
    }
    let not_text = batch(&["bytes"]).with_key(b"\xff\0");
    for repeated in [false, true] {
        assert_eq!(case.log.append(&topic, not_text.clone()).await.unwrap().repeated, repeated);
    }
    assert_eq!(case.read(&topic, Place::default()).await.len(), 8);
    let other = case.log.append(&case.topic("other"), batch(&["x"]).with_key("k")).await.unwrap();
    assert!(!other.repeated, "a key is its topic's");
}

pub(super) async fn two_at_once_append_once(case: Case) {
    let topic = case.topic("t");
    let append = || {
        let (log, topic) = (Arc::clone(&case.log), topic.clone());
        tokio::spawn(async move { log.append(&topic, batch(&["once"]).with_key("k")).await.unwrap() })
    };
    let (mut firsts, mut repeated) = (Vec::new(), 0);
    for appended in std::iter::repeat_with(append).take(10).collect::<Vec<_>>() {
        let appended = appended.await.unwrap();
        repeated += usize::from(appended.repeated);
        firsts.push(appended.first);
    }
    assert_eq!(repeated, 9);
    assert!(firsts.iter().all(|first| *first == firsts[0]), "{firsts:?}");
    assert_eq!(data(&case.read(&topic, Place::default()).await), ["once"]);
}
