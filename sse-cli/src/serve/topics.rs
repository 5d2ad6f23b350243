//! List of the topics, and the end of a topic.

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header;
use serde::{Deserialize, Serialize};
use sse_hub::{Hub, LogError, TopicInfo};

use super::access::{Caller, Grant};
use super::refusal::Refusal;
use super::routes::{App, check_name};

/// How many topics one page lists at most.
const PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    /// The last name of the previous page.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Page {
    topics: Vec<Listed>,
    /// The value of `after` for the next page; `null` at the end.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    subscribers: usize,
    last_event_id: Option<String>,
}

/// Lists the topics that are in memory or on disk, ordered by name.
pub(super) async fn list(
    State(app): State<App>,
    Query(paging): Query<Paging>,
    caller: Caller,
) -> Result<Response, Refusal> {
    let grant = app.access.listing(&caller)?;
    let limit = paging.limit.unwrap_or(100).clamp(1, PAGE);
    let mut topics = granted(&app.hub, &grant, paging.after.unwrap_or_default(), limit + 1).await?;
    let more = topics.len() > limit;
    topics.truncate(limit);
    let next = topics.last().filter(|_| more).map(|topic| topic.name.clone());
    let topics = topics.into_iter().map(|topic| Listed {
        name: topic.name,
        subscribers: topic.subscribers,
        last_event_id: topic.last_event_id,
    });
    let page = serde_json::json!(Page { topics: topics.collect(), next });
    Ok(([(header::CONTENT_TYPE, "application/json")], format!("{page}\n")).into_response())
}

/// The first topics of the grant after a name, at most `limit` of them.
async fn granted(
    hub: &Hub,
    grant: &Grant,
    mut after: String,
    limit: usize,
) -> Result<Vec<TopicInfo>, LogError> {
    let mut topics = Vec::new();
    // Between the topics of a grant may be many others: they are passed by a page at a time.
    let page = if grant.is_everything() { limit } else { PAGE };
    while let Some(start) = grant.resume(&after).filter(|_| topics.len() < limit) {
        let found = hub.topics(Some(&*start), page).await?;
        let Some(last) = found.last() else { break };
        after = last.name.clone();
        topics.extend(found.into_iter().filter(|topic| grant.contains(&topic.name)));
    }
    topics.truncate(limit);
    Ok(topics)
}

/// Ends a topic.
pub(super) async fn end(
    State(app): State<App>,
    Path(topic): Path<String>,
    caller: Caller,
) -> Result<Response, Refusal> {
    app.access.publishing(&caller)?.require([&*topic])?;
    check_name(&topic)?;
    match app.hub.end(&topic).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such topic")),
    }
}
