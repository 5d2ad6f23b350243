//! Count of the connections that reqwest makes now: until there is one, no request is sent, and the
//! time for its head does not run.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

/// How many connections are being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Connecting(Arc<AtomicUsize>);

impl Connecting {
    /// Whether a connection is being made.
    pub(super) fn is_connecting(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl<S> Layer<S> for Connecting {
    type Service = Counted<S>;

    fn layer(&self, connector: S) -> Counted<S> {
        Counted { connector, connecting: self.clone() }
    }
}

/// A connector whose connections are counted while they are being made.
#[derive(Clone)]
pub(super) struct Counted<S> {
    connector: S,
    connecting: Connecting,
}

impl<S, R> Service<R> for Counted<S>
where
    S: Service<R, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connection = self.connector.call(request);
        let one = One::new(self.connecting.clone());
        Box::pin(async move {
            let _one = one;
            connection.await
        })
    }
}

/// One connection that is being made; also its timeout ends it.
struct One(Connecting);

impl One {
    fn new(connecting: Connecting) -> Self {
        connecting.0.fetch_add(1, Ordering::Relaxed);
        Self(connecting)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
