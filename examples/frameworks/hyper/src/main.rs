//! hyper: bodies as they are.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Empty, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};

type Body = UnsyncBoxBody<Bytes, Infallible>;

fn count() -> impl Stream<Item = EncodedEvent> + Send {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

async fn route(request: Request<Incoming>, news: Topic) -> Result<Response<Body>, Infallible> {
    let id = LastEventId::of(request.headers(), request.uri());
    Ok(match request.uri().path() {
        "/count" => response(Sse::new(count()).boxed_unsync()),
        "/news" => match news.subscribe(id.as_deref()).await {
            Ok(subscription) => response(subscription.boxed_unsync()),
            Err(_) => status(StatusCode::SERVICE_UNAVAILABLE),
        },
        _ => status(StatusCode::NOT_FOUND),
    })
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed_unsync());
    *response.status_mut() = status;
    response
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let news = Hub::new(HubConfig::default()).topic("news")?;
    tokio::spawn(publish(news.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (socket, _) = listener.accept().await?;
        // An event is a small write, which must not wait until the one before is acknowledged.
        socket.set_nodelay(true)?;
        let news = news.clone();
        let service = service_fn(move |request| route(request, news.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn publish(news: Topic) {
    for n in 1.. {
        news.publish(EventBuilder::new().data(&n.to_string()))
            .await
            .expect("an event of a few bytes fits the log");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
