//! warp: bodies as streams of bytes, headers as they are.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyDataStream;
use sse_hub::{EventBuilder, Hub, HubConfig, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};
use sync_wrapper::SyncStream;
use warp::http::StatusCode;
use warp::reply::{Reply, Response};
use warp::{Filter, header, path};

fn events<B>(body: B) -> Response
where
    B: hyper::body::Body<Data = hyper::body::Bytes, Error = Infallible> + Send + 'static,
{
    // warp asks for `Sync`, which a body needs not be.
    let chunks = SyncStream::new(BodyDataStream::new(body));
    let mut events = warp::reply::stream(chunks).into_response();
    *events.headers_mut() = response(()).headers().clone();
    events
}

fn numbers() -> impl Stream<Item = EncodedEvent> + Send {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

async fn follow(news: Topic, id: Option<String>) -> Result<Response, Infallible> {
    Ok(match news.subscribe(id.as_deref()).await {
        Ok(subscription) => events(subscription),
        Err(error) => {
            warp::reply::with_status(error.to_string(), StatusCode::SERVICE_UNAVAILABLE).into_response()
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let topic = Hub::new(HubConfig::default()).topic("news")?;
    tokio::spawn(publish(topic.clone()));
    let count = path!("count").map(|| events(Sse::new(numbers())));
    let news =
        path!("news").map(move || topic.clone()).and(header::optional("last-event-id")).and_then(follow);
    // An event is a small write, which must not wait until the one before is acknowledged;
    // connections inherit it.
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.set_reuseaddr(true)?;
    socket.bind("127.0.0.1:3000".parse()?)?;
    warp::serve(count.or(news)).incoming(socket.listen(1024)?).run().await;
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
