//! Topics as a whole: their list, and their end.

use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderMap};
use serde::{Deserialize, Serialize};

use super::listen::connection::Via;
use super::refusal::Refusal;
use super::routes::{App, access_token, check_name};

/// How many topics one page has at most.
const PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    /// The last name of the page before.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Page {
    topics: Vec<Listed>,
    /// What `after` has to be for the next page; `null` at the end.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    subscribers: usize,
    last_event_id: Option<String>,
}

/// Lists the topics that are in use here or on disk, by name.
pub(super) async fn list(
    State(app): State<App>,
    Query(paging): Query<Paging>,
    request: Request,
) -> Result<Response, Refusal> {
    let via = Via::of(request.extensions());
    app.access.may_list(request.headers(), access_token(request.uri()).as_deref(), via)?;
    let limit = paging.limit.unwrap_or(100).clamp(1, PAGE);
    let mut topics = app.hub.topics(paging.after.as_deref(), limit + 1).await?;
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

/// Ends a topic.
pub(super) async fn end(
    State(app): State<App>,
    Path(topic): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    app.access.may_publish(&headers)?;
    check_name(&topic)?;
    match app.hub.end(&topic).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such topic")),
    }
}
