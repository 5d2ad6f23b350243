//! Spans and events for `tracing` (feature `tracing`): the connections of a source, never its data.

#[cfg(not(feature = "tracing"))]
pub(super) use off::{Trace, connecting};
#[cfg(feature = "tracing")]
pub(super) use on::{Trace, connecting};

#[cfg(feature = "tracing")]
mod on {
    use std::error::Error as _;
    use std::iter::successors;

    use proto::{ClientEvent, CloseReason};
    use tracing::{Span, debug, info_span, warn};
    use url::Url;

    use crate::client::{Head, TransportError};

    /// The span of a source, entered while the source works.
    #[derive(Debug)]
    pub(in crate::client) struct Trace(Span);

    impl Trace {
        pub(in crate::client) fn new(url: &Url) -> Self {
            // Credentials were taken out of the URL; tokens are found in queries.
            let url = format!("{}{}", url.origin().ascii_serialization(), url.path());
            Self(info_span!(target: "sse_http", "event_source", url))
        }

        pub(in crate::client) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
            self.0.in_scope(work)
        }

        pub(in crate::client) fn event<M, C>(&self, event: &ClientEvent<Head, TransportError, M, C>) {
            let _entered = self.0.enter();
            match event {
                ClientEvent::Open(head) => debug!(target: "sse_http", version = ?head.version, "open"),
                ClientEvent::Disconnected { cause, attempt, delay } => {
                    // The innermost error names no URL. The text of a hook is the application's own
                    // responsibility.
                    let error = match cause.error() {
                        Some(TransportError::Hook(_)) | None => None,
                        Some(error) => successors(error.source(), |&error| error.source()).last(),
                    };
                    warn!(target: "sse_http", cause = %cause.cause(), error, attempt, ?delay, "disconnected");
                }
                _ => {}
            }
        }

        pub(in crate::client) fn closed(&self, reason: &CloseReason) {
            let _entered = self.0.enter();
            if reason.is_failure() {
                warn!(target: "sse_http", %reason, "closed");
            } else {
                debug!(target: "sse_http", %reason, "closed");
            }
        }
    }

    pub(in crate::client) fn connecting(attempt: u32) {
        debug!(target: "sse_http", attempt, "connecting");
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use proto::{ClientEvent, CloseReason};
    use url::Url;

    use crate::client::{Head, TransportError};

    #[derive(Debug)]
    pub(in crate::client) struct Trace;

    impl Trace {
        pub(in crate::client) fn new(_: &Url) -> Self {
            Self
        }

        pub(in crate::client) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
            work()
        }

        pub(in crate::client) fn event<M, C>(&self, _: &ClientEvent<Head, TransportError, M, C>) {}

        pub(in crate::client) fn closed(&self, _: &CloseReason) {}
    }

    pub(in crate::client) fn connecting(_: u32) {}
}
