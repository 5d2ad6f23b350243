//! Error responses with a reason.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use sse_hub::{AppendError, HubError, LogError, SeveralError};

use super::log::Reason;

/// The reason of a refusal in one word, derived from the status.
pub(super) fn label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method",
        408 => "slow_body",
        409 | 422 => "idempotency_key",
        410 => "ended",
        413 => "too_large",
        429 => "rate",
        503 => "unavailable",
        _ => "other",
    }
}

/// An error response with a reason.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// The reason in one word, for the metrics; one of few.
    label: &'static str,
    header: Option<(HeaderName, HeaderValue)>,
    reason: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, label: label(status), header: None, reason: reason.into() }
    }

    pub(super) fn retry_after(status: StatusCode, seconds: u64, reason: impl Into<String>) -> Self {
        Self { header: Some((header::RETRY_AFTER, seconds.into())), ..Self::new(status, reason) }
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    pub(super) fn timeout() -> Self {
        let reason = "the body took too long: publish less at a time";
        Self::new(StatusCode::REQUEST_TIMEOUT, reason).labelled("slow_body")
    }

    pub(super) fn busy() -> Self {
        Self::retry_after(StatusCode::SERVICE_UNAVAILABLE, 1, "too many are publishing: try again")
            .labelled("busy")
    }

    pub(super) fn rate(seconds: u64) -> Self {
        Self::retry_after(StatusCode::TOO_MANY_REQUESTS, seconds, "too many events: publish more slowly")
    }

    pub(super) fn host(host: &str) -> Self {
        let reason =
            format!("not served under the name {host:?}: use localhost, or start the server with --host");
        Self::new(StatusCode::FORBIDDEN, reason).labelled("host")
    }

    pub(super) fn origin(origin: &str) -> Self {
        let reason = format!("pages of {origin:?} are not let in: start the server with --cors-origin");
        Self::new(StatusCode::FORBIDDEN, reason).labelled("origin")
    }

    pub(super) fn listing() -> Self {
        let reason = "listing topics needs a token: start the server with --subscribe-token";
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    /// Refuses a request that has no token, or only a cookie that does not count.
    pub(super) fn no_token(cookie_left_out: bool) -> Self {
        let reason = "a bearer token is needed: send Authorization: Bearer <token>";
        let cookie = ". The cookie does not count: the request has neither an Origin of this server or of --cors-origin nor \
                      Sec-Fetch-Site: same-origin";
        // RFC 6750, 3.1: a request without a token learns no error code.
        let reason = if cookie_left_out { format!("{reason}{cookie}") } else { reason.to_owned() };
        Self::challenge(StatusCode::UNAUTHORIZED, "Bearer", reason)
    }

    /// Refuses an invalid token. The reason contains no part of the token, because it is logged.
    pub(super) fn invalid_token(reason: &'static str) -> Self {
        Self::challenge(StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"", reason)
    }

    /// Refuses a valid token that lacks the right.
    pub(super) fn scope(claim: &str, what: &str) -> Self {
        let reason = format!("the token does not give this right: its claim {claim} has to name {what}");
        Self::challenge(StatusCode::FORBIDDEN, "Bearer error=\"insufficient_scope\"", reason)
    }

    fn challenge(status: StatusCode, challenge: &'static str, reason: impl Into<String>) -> Self {
        let header = (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        Self { header: Some(header), ..Self::new(status, reason) }
    }

    /// Sets the reason for the metrics, if the status is not specific enough.
    fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let header = error.retry_after().map(|after| (header::RETRY_AFTER, after.as_secs().max(1).into()));
        Self { header, ..Self::new(error.status(), error.to_string()) }
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        let seconds = match error {
            LogError::Unavailable { retry_after } => retry_after.as_secs().max(1),
            _ => 60,
        };
        Self::retry_after(StatusCode::SERVICE_UNAVAILABLE, seconds, error.to_string()).labelled("log")
    }
}

impl From<HubError> for Refusal {
    fn from(error: HubError) -> Self {
        if error == HubError::Ended {
            // Which keeps an `EventSource` from coming back (WHATWG HTML 9.2.3).
            return Self::new(StatusCode::NO_CONTENT, "the topic has ended").labelled("ended");
        }
        Self::retry_after(StatusCode::SERVICE_UNAVAILABLE, 5, error.to_string()).labelled("full")
    }
}

impl From<SeveralError> for Refusal {
    fn from(error: SeveralError) -> Self {
        match error {
            SeveralError::Hub(error) => error.into(),
            _ => Self::bad_request(error.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let reason = Reason { label: self.label, text: self.reason.clone() };
        let mut response = match self.status {
            StatusCode::NO_CONTENT => self.status.into_response(),
            status => (status, self.reason + "\n").into_response(),
        };
        response.extensions_mut().insert(reason);
        response.headers_mut().extend(self.header);
        response
    }
}
