//! Rules about the head of a response: status, content type, codings, caches, CORS, version.

use sse_tokio::reqwest::{Url, Version};

use super::finding::Finding;
use super::probe::{End, Head, Observation};
use crate::request::shown;

/// Findings about the head of the main connection; only the fault, if it is not an event stream.
pub(super) fn check(seen: &Observation) -> Vec<Finding> {
    let Some(head) = &seen.head else { return vec![no_head(seen)] };
    let status = status(head);
    if head.status.as_u16() != 200 {
        let body = &seen.body.bytes;
        let said = (!body.is_empty()).then(|| format!("body: {}", super::body::quote(body, 200)));
        return vec![status.seen_all(said)];
    }
    let mut findings = vec![status];
    findings.push(content_type(head));
    findings.push(content_coding(head));
    findings.extend(caches(head));
    findings.push(version(head));
    findings
}

/// Reports the URL to which the stream was redirected.
pub(super) fn redirected(seen: &Observation, asked: &Url) -> Option<Finding> {
    let (there, asked) = (shown(&seen.head.as_ref()?.url), shown(asked));
    (there != asked).then(|| Finding::pass("redirect", format!("the URL redirects to {there}")))
}

fn no_head(seen: &Observation) -> Finding {
    let wait = "flush the head before the first event, and turn off buffering on the way (`proxy_buffering off`, \
                `X-Accel-Buffering: no`); --patience waits longer";
    match &seen.end {
        End::Unreachable(error) | End::Broken(error) => {
            Finding::fault("unreachable", format!("no response: {error}"))
        }
        End::NotHttp(error) => Finding::fault("bad-response", format!("the response is not valid HTTP: {error}"))
            .by("RFC 9112 2")
            .fix("control characters in a header make the whole head invalid; a server of HTTP/2 alone needs TLS for most clients"),
        End::Redirects(error) => Finding::fault("redirect", format!("redirects lead to no stream: {error}"))
            .by("Fetch 4.4")
            .fix("lead to the stream within 20 redirects"),
        End::Stopped | End::Eof => Finding::fault(
            "no-head",
            "no head of a response came in time: the server is stuck, or the response is buffered on the way",
        )
        .seen(format!("waited for {}", super::arrival::show(seen.lasted)))
        .fix(wait),
    }
}

fn status(head: &Head) -> Finding {
    let by = "WHATWG HTML 9.2.3";
    match head.status.as_u16() {
        200 => Finding::pass("status", "the status is 200").by(by),
        204 => Finding::fault("status", "the status is 204: clients take it for the end and never come back")
            .by(by)
            .fix("answer 200; 204 is for clients that must stop reconnecting"),
        status @ (300..=399) => Finding::fault("redirect", format!("the status is {status}: a redirect that cannot be followed"))
            .by(by)
            .fix("send a `Location` that leads to the stream within 20 redirects"),
        status @ (401 | 403 | 407) => Finding::fault("status", format!("the status is {status}: clients fail the connection for good"))
            .by(by)
            .fix("give the check what the server asks for: -H 'Authorization: ..', -H 'Cookie: ..', or -u USER:PASSWORD"),
        status => Finding::fault("status", format!("the status is {status}: clients fail the connection for good"))
            .by(by)
            .fix("answer 200 and keep refusals for clients that must not reconnect; browsers do not retry any other status"),
    }
}

fn content_type(head: &Head) -> Finding {
    let by = "WHATWG HTML 9.2.3";
    let Some(value) = head.text("content-type") else {
        return Finding::fault("content-type", "there is no Content-Type: clients fail the connection")
            .by(by)
            .fix("send `Content-Type: text/event-stream`");
    };
    if !proto::is_event_stream(&value) {
        return Finding::fault(
            "content-type",
            "the Content-Type is not text/event-stream: clients fail the connection",
        )
        .seen(format!("content-type: {value}"))
        .by(by)
        .fix("send `Content-Type: text/event-stream`");
    }
    let charset = value
        .to_ascii_lowercase()
        .split("charset=")
        .nth(1)
        .map(|rest| rest.split(';').next().unwrap_or_default().trim_matches(['"', ' ']).to_owned());
    match charset {
        Some(charset) if charset != "utf-8" && charset != "utf8" => Finding::advice(
            "charset",
            "the charset of the Content-Type is not UTF-8, and event streams always are",
        )
        .seen(format!("content-type: {value}"))
        .by("WHATWG HTML 9.2.5")
        .fix("leave the charset out, or say utf-8"),
        _ => Finding::pass("content-type", format!("the Content-Type is {value}")).by(by),
    }
}

/// Checks the content coding: the main connection requests `identity`.
fn content_coding(head: &Head) -> Finding {
    match head.text("content-encoding") {
        Some(coding) if !coding.split(',').all(|coding| coding.trim().eq_ignore_ascii_case("identity")) => {
            Finding::fault(
                "content-coding",
                "the body is compressed though the request accepts no coding: clients read no events",
            )
            .seen(format!("content-encoding: {coding}"))
            .seen("accept-encoding: identity (as sent)")
            .by("RFC 9110 12.5.3")
            .fix("leave event streams out of compression; `Cache-Control: no-transform` tells proxies so")
        }
        _ => Finding::pass("content-coding", "the body is compressed on request only").by("RFC 9110 12.5.3"),
    }
}

fn caches(head: &Head) -> Vec<Finding> {
    let value = head.text("cache-control").unwrap_or_default().to_ascii_lowercase();
    let has = |directive: &str| value.split(',').any(|part| part.trim() == directive);
    let shown =
        if value.is_empty() { "no Cache-Control".to_owned() } else { format!("cache-control: {value}") };
    let mut findings = Vec::new();
    if has("no-cache") || has("no-store") {
        findings.push(Finding::pass("cache-control", "caches keep nothing of it"));
    } else {
        findings.push(
            Finding::advice("cache-control", "a cache may answer a reconnection with an old stream")
                .seen(shown.clone())
                .by("WHATWG HTML 9.2.7")
                .fix("send `Cache-Control: no-cache, no-transform`"),
        );
    }
    if !has("no-transform") {
        findings.push(
            Finding::advice(
                "no-transform",
                "a proxy or middleware may compress the stream, and hold events back by it",
            )
            .seen(shown)
            .by("RFC 9111 5.2.2.6")
            .fix("send `Cache-Control: no-cache, no-transform`"),
        );
    }
    match head.text("x-accel-buffering") {
        Some(value) if value.eq_ignore_ascii_case("no") => {
            findings.push(Finding::pass("x-accel-buffering", "the header tells nginx not to buffer"));
        }
        // nginx obeys the header and does not pass it on.
        _ if head.text("server").is_some_and(|server| server.starts_with("nginx")) => {}
        _ => findings.push(
            Finding::advice(
                "x-accel-buffering",
                "behind nginx, every event would be held back to the end of the response",
            )
            .fix("send `X-Accel-Buffering: no`, or set `proxy_buffering off`"),
        ),
    }
    findings
}

fn version(head: &Head) -> Finding {
    if head.version >= Version::HTTP_2 {
        return Finding::pass("http-version", format!("{:?}: streams share one connection", head.version));
    }
    Finding::advice(
        "http-version",
        format!("{:?}: a browser opens six connections to a host, and each stream takes one", head.version),
    )
    .by("WHATWG HTML 9.2.7")
    .fix("serve HTTP/2 over TLS, or share one stream among the tabs of a page")
}

/// Findings of the other connections, whose requests differ from the main one.
pub(super) fn others(
    head: &Observation,
    options: &Observation,
    gzip: &Observation,
    main: &Observation,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(head_method(head));
    findings.extend(cross_origin(gzip, options));
    findings.extend(compressed(gzip, main));
    findings
}

fn head_method(seen: &Observation) -> Finding {
    match &seen.head {
        Some(head) if head.status.as_u16() < 400 && seen.body.bytes.is_empty() => {
            Finding::pass("head", format!("HEAD is answered: {}", head.status.as_u16()))
        }
        Some(head) => Finding::advice("head", format!("HEAD is answered by {}", head.status.as_u16()))
            .by("RFC 9110 9.3.2")
            .fix("answer HEAD as GET, without a body: probes and scripts use it"),
        None => Finding::advice("head", "HEAD has no answer")
            .by("RFC 9110 9.3.2")
            .fix("answer HEAD as GET, without a body, and at once"),
    }
}

/// Checks the response to an HTTP/1.0 client (curl's `-0`, old proxies), which states no codings.
pub(super) fn old_version(seen: &Observation) -> Finding {
    if let Some(coding) = seen
        .head
        .as_ref()
        .and_then(|head| head.text("content-encoding"))
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"))
    {
        return Finding::fault(
            "content-coding",
            "the body is compressed for a client that did not request a coding",
        )
        .seen(format!("content-encoding: {coding}"))
        .seen("no accept-encoding (as sent)")
        .by("RFC 9110 12.5.3")
        .fix("compress only what the request accepts, and no event streams");
    }
    answered("http-1.0", "HTTP/1.0", seen).fix(
        "old proxies speak HTTP/1.0 to their backends: nginx does unless `proxy_http_version 1.1` is set",
    )
}

/// Checks the response to an HTTP/1.1 client, if the main connection speaks HTTP/2.
pub(super) fn without_http2(seen: &Observation) -> Finding {
    answered("http-1.1", "HTTP/1.1", seen)
        .fix("serve HTTP/1.1 as well: many clients and proxies speak nothing newer")
}

fn answered(code: &'static str, version: &str, seen: &Observation) -> Finding {
    match (&seen.head, &seen.end) {
        (Some(head), _) if head.status.as_u16() == 200 => {
            Finding::pass(code, format!("a request of {version} gets the stream"))
        }
        (Some(head), _) => {
            Finding::advice(code, format!("a request of {version} is answered {}", head.status.as_u16()))
        }
        (
            None,
            End::Unreachable(error) | End::Broken(error) | End::NotHttp(error) | End::Redirects(error),
        ) => Finding::advice(code, format!("a request of {version} has no answer: {error}")),
        (None, _) => Finding::advice(code, format!("a request of {version} has no answer in time")),
    }
}

/// Reports a server that speaks only HTTP/2 without TLS: no browser can read its stream.
pub(super) fn http2_alone() -> Finding {
    Finding::fault(
        "http2-only",
        "the server speaks HTTP/2 alone, and without TLS: browsers and most clients cannot connect",
    )
    .by("RFC 9113 3.3")
    .fix("serve HTTP/1.1 as well, or TLS with ALPN (h2)")
}

/// Checks what a page of another origin needs (CORS).
fn cross_origin(get: &Observation, options: &Observation) -> Option<Finding> {
    let head = get.head.as_ref()?;
    let by = "Fetch 3.2";
    let Some(origin) = head.text("access-control-allow-origin") else {
        return Some(
            Finding::advice("cors", "pages of other origins cannot read the stream: there is no Access-Control-Allow-Origin")
                .by(by)
                .fix("send `Access-Control-Allow-Origin` where pages of other origins have to read it; otherwise this is right"),
        );
    };
    let credentials = head.text("access-control-allow-credentials").is_some_and(|value| value == "true");
    if origin == "*" && credentials {
        return Some(
            Finding::advice("cors", "`*` does not go with credentials: browsers refuse the response")
                .seen("access-control-allow-origin: *")
                .seen("access-control-allow-credentials: true")
                .by(by)
                .fix("repeat the request's Origin instead, and send `Vary: Origin`"),
        );
    }
    let preflight = options.head.as_ref().and_then(|head| head.text("access-control-allow-headers"));
    let allowed =
        preflight.is_some_and(|value| value == "*" || value.to_ascii_lowercase().contains("last-event-id"));
    if !allowed {
        return Some(
            Finding::advice("cors", "a preflight does not allow the header Last-Event-ID: a page with an ID over 128 bytes, or a fetch client, cannot resume")
                .seen(format!("access-control-allow-origin: {origin}"))
                .by(by)
                .fix("answer OPTIONS with `Access-Control-Allow-Headers: Last-Event-ID`"),
        );
    }
    Some(Finding::pass("cors", format!("pages may read it: access-control-allow-origin: {origin}")).by(by))
}

/// Checks that a client that accepts compression gets events as early as others.
fn compressed(gzip: &Observation, main: &Observation) -> Option<Finding> {
    let head = gzip.head.as_ref()?;
    let coding = head.text("content-encoding").filter(|coding| !coding.eq_ignore_ascii_case("identity"))?;
    let seen = format!("content-encoding: {coding} (requested by accept-encoding)");
    let first = main.body.arrivals().first()?.at;
    let waited = gzip.lasted;
    if gzip.body.arrivals().len() <= 1 && main.body.arrivals().len() > 3 && waited > 3 * first {
        return Some(
            Finding::fault(
                "compression-holds-back",
                "for clients that accept compression (browsers do), events are held back by it",
            )
            .seen(seen)
            .seen(format!("{} bytes in {}", gzip.body.bytes.len(), super::arrival::show(waited)))
            .by("WHATWG HTML 9.2.7")
            .fix("leave event streams out of compression, or flush the compressor after every event"),
        );
    }
    Some(
        Finding::advice("compression", "the stream is compressed for clients that accept it")
            .seen(seen)
            .fix("flush the compressor after every event, or leave event streams out of compression"),
    )
}
