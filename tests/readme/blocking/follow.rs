use adapter::{Event, EventSource};

fn main() -> Result<(), adapter::Error> {
    let mut source = EventSource::get("http://127.0.0.1:8080/events/news")?;
    while let Some(event) = source.try_next()? {
        match event {
            Event::Message(message) => println!("{}: {}", message.event(), message.data()),
            Event::Disconnected { cause, delay, .. } => println!("{cause}; reconnecting in {delay:?}"),
            _ => {}
        }
    }
    Ok(())
}
