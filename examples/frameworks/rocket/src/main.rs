//! rocket: bodies as streams of bytes, headers one by one, since its `http` is its own. It sets
//! TCP_NODELAY itself.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyDataStream;
use hyper::body::{Body, Bytes};
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::response::{self, Responder, stream::ReaderStream};
use rocket::{Request, Response, State, get, routes};
use sse_hub::{EventBuilder, Hub, HubConfig, Subscription, Topic};
use sse_tokio::server::{EncodedEvent, Sse, response};

struct Events<B>(B);

impl<'r, B> Responder<'r, 'r> for Events<B>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'r,
{
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'r> {
        let mut builder = Response::build();
        for (name, value) in response(()).headers() {
            builder.raw_header(name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned());
        }
        let chunks =
            BodyDataStream::new(self.0).filter_map(async |chunk| chunk.ok().map(std::io::Cursor::new));
        builder.streamed_body(ReaderStream::from(chunks)).ok()
    }
}

struct LastEventId<'r>(Option<&'r str>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for LastEventId<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request.headers().get_one("last-event-id")))
    }
}

fn numbers() -> impl Stream<Item = EncodedEvent> + Send {
    stream::iter(1..=3).map(|n| EventBuilder::new().data(&n.to_string()).into())
}

#[get("/count")]
fn count() -> Events<impl Body<Data = Bytes, Error = Infallible> + Send> {
    Events(Sse::new(numbers()))
}

#[get("/news")]
async fn follow(id: LastEventId<'_>, news: &State<Topic>) -> Result<Events<Subscription>, Status> {
    news.subscribe(id.0).await.map(Events).map_err(|_| Status::ServiceUnavailable)
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let news = Hub::new(HubConfig::default()).topic("news")?;
    tokio::spawn(publish(news.clone()));
    let config =
        rocket::Config { port: 3000, log_level: rocket::config::LogLevel::Off, ..rocket::Config::default() };
    rocket::custom(config).manage(news).mount("/", routes![count, follow]).launch().await?;
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
