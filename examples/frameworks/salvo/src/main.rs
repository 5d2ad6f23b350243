//! salvo: bodies as streams of bytes, headers as they are.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyDataStream;
use salvo::conn::tcp::TcpAcceptor;
use salvo::prelude::*;
use sse_hub::{EventBuilder, Hub, HubConfig, LastEventId, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};

fn events<B>(res: &mut Response, body: B)
where
    B: hyper::body::Body<Data = hyper::body::Bytes, Error = Infallible> + Send + 'static,
{
    res.headers_mut().extend(response(()).headers().clone());
    res.stream(BodyDataStream::new(body));
}

fn numbers() -> impl Stream<Item = EncodedEvent> + Send {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

#[handler]
async fn count(res: &mut Response) {
    events(res, Sse::new(numbers()));
}

#[handler]
async fn follow(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), StatusError> {
    let news = depot.get_typed::<Topic>().map_err(|_| StatusError::internal_server_error())?;
    let id = LastEventId::of(req.headers(), req.uri());
    let subscription = news.subscribe(id.as_deref()).await;
    events(res, subscription.map_err(|_| StatusError::service_unavailable())?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let news = Hub::new(HubConfig::default()).topic("news")?;
    tokio::spawn(publish(news.clone()));
    let router = Router::new()
        .hoop(affix_state::inject(news))
        .push(Router::with_path("count").get(count))
        .push(Router::with_path("news").get(follow));
    // An event is a small write, which must not wait until the one before is acknowledged;
    // connections inherit it.
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.set_reuseaddr(true)?;
    socket.bind("127.0.0.1:3000".parse()?)?;
    Server::new(TcpAcceptor::try_from(socket.listen(1024)?)?).serve(router).await;
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
