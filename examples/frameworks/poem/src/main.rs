//! poem: bodies as streams of bytes, headers as they are.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http_body_util::BodyDataStream;
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{Body, EndpointExt, Request, Response, Result, Route, Server, get, handler};
use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};

fn events<B>(body: B) -> Response
where
    B: hyper::body::Body<Data = hyper::body::Bytes, Error = std::convert::Infallible> + Send + 'static,
{
    let chunks = BodyDataStream::new(body).map_err(|never| match never {});
    let mut events = Response::from(Body::from_bytes_stream::<_, _, std::io::Error>(chunks));
    *events.headers_mut() = response(()).headers().clone();
    events
}

fn numbers() -> impl Stream<Item = EncodedEvent> + Send {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

#[handler]
fn count() -> Response {
    events(Sse::new(numbers()))
}

#[handler]
async fn follow(request: &Request, news: Data<&Topic>) -> Result<Response> {
    let id = LastEventId::of(request.headers(), request.uri());
    let subscription = news.subscribe(id.as_deref()).await;
    Ok(events(subscription.map_err(|error| poem::Error::new(error, StatusCode::SERVICE_UNAVAILABLE))?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let news = Hub::new(HubConfig::default()).topic("news")?;
    tokio::spawn(publish(news.clone()));
    let app = Route::new().at("/count", get(count)).at("/news", get(follow)).data(news);
    // An event is a small write, which must not wait until the one before is acknowledged;
    // connections inherit it.
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.set_reuseaddr(true)?;
    socket.bind("127.0.0.1:3000".parse()?)?;
    Server::new_with_acceptor(TcpAcceptor::from_tokio(socket.listen(1024)?)?).run(app).await?;
    Ok(())
}

async fn publish(news: Topic) {
    for n in 1.. {
        news.publish(EventBuilder::new().data(&n.to_string()))
            .await
            .expect("an event of a few bytes fits the log");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
