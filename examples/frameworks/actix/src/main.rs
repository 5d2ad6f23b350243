//! actix-web: bodies as streams of bytes, headers one by one, since its `http` is an older one.

use std::time::Duration;

use actix_web::web::{Data, get};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Result, error, rt};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyDataStream;
use sse_hub::{EventBuilder, Hub, HubConfig, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};

fn events<B>(body: B) -> HttpResponse
where
    B: hyper::body::Body<Data = hyper::body::Bytes, Error: std::error::Error> + 'static,
{
    let mut builder = HttpResponse::Ok();
    for (name, value) in response(()).headers() {
        builder.insert_header((name.as_str(), value.as_bytes()));
    }
    builder.streaming(BodyDataStream::new(body))
}

fn numbers() -> impl Stream<Item = EncodedEvent> {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

async fn count() -> HttpResponse {
    events(Sse::new(numbers()))
}

async fn follow(request: HttpRequest, news: Data<Topic>) -> Result<HttpResponse> {
    let id = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let subscription = news.subscribe(id).await.map_err(error::ErrorServiceUnavailable)?;
    Ok(events(subscription))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let news = Hub::new(HubConfig::default()).topic("news")?;
    rt::spawn(publish(news.clone()));
    let app = move || {
        App::new()
            .app_data(Data::new(news.clone()))
            .route("/count", get().to(count))
            .route("/news", get().to(follow))
    };
    // An event is a small write, which must not wait until the one before is acknowledged.
    HttpServer::new(app).tcp_nodelay(true).workers(1).bind("127.0.0.1:3000")?.run().await?;
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
