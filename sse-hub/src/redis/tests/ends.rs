//! Tests of topics that are ended.

use super::*;

#[tokio::test]
async fn a_topic_that_ended_is_refused_on_every_node_and_its_numbers_go_on() {
    let Some(redis) = RedisServer::start() else { return };
    let (log, other) = (node(&redis), node(&redis));
    let mut reader = Reader::new(&other, Place::default()).await;
    let first = append(&log, one()).await;
    assert_eq!(reader.until(first).await, [1]);
    assert_eq!(log.end("t", Duration::from_secs(3600)).await, Ok(true));
    while reader.updates.recv().await != Some(Update::Ended) {}
    assert_eq!(other.append("t", one()).await, Err(AppendError::Ended));
    assert!(other.open("t", ALL).await.unwrap().ended.is_some());

    log.append("u", one()).await.unwrap();
    assert_eq!(log.end("u", Duration::from_millis(1)).await, Ok(true));
    let next = loop {
        match other.append("u", one()).await {
            Ok(appended) => break appended.first,
            Err(error) => assert_eq!(error, AppendError::Ended),
        }
    };
    assert_eq!(next.number, 2);
    assert_eq!(log.end("elsewhere", Duration::from_millis(300)).await, Ok(false));
}

#[tokio::test]
async fn a_topic_that_ended_is_free_if_the_clock_of_the_server_was_set_back() {
    let Some(redis) = RedisServer::start() else { return };
    let log = node(&redis);
    append(&log, one()).await;
    assert_eq!(log.end("t", Duration::from_secs(60)).await, Ok(true));
    assert_eq!(log.append("t", one()).await, Err(AppendError::Ended));
    // What it looks like one hour before the end.
    let meta = "local m=redis.call('GET',KEYS[1]);local later=struct.unpack('<d',m,35)+3600e6;\
        return redis.call('SET',KEYS[1],string.sub(m,1,34)..struct.pack('<d',later)..string.sub(m,43))";
    assert_eq!(redis.command(&format!("EVAL \"{meta}\" 1 sse:{{t}}:m")), "+OK");
    assert_eq!(log.open("t", ALL).await.unwrap().ended, None);
    assert_eq!(append(&log, one()).await.number, 2);
}
