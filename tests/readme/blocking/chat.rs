use std::io::Write;

use serde_json::{Value, json};
use adapter::{EventSource, http::Method};

const URL: &str = "https://api.openai.com/v1/chat/completions";

fn main() {
    let key = std::env::var("OPENAI_API_KEY").expect("OPENAI_API_KEY is set");
    let show = |token: &str| {
        print!("{token}");
        let _ = std::io::stdout().flush(); // a line is held back until it ends
    };
    match ask(URL, &key, "Hi", show) {
        Ok(()) => println!(),
        Err(error) => eprintln!("{error}"), // has the server's text, which `{error:?}` leaves out
    }
}

fn ask(url: &str, key: &str, text: &str, mut show: impl FnMut(&str)) -> Result<(), Box<dyn std::error::Error>> {
    let body = json!({ "model": "gpt-5", "stream": true, "messages": [{ "role": "user", "content": text }] });
    let source = EventSource::builder(url).method(Method::POST).bearer_auth(key).json(&body).build()?;
    let mut answer = source.messages().json::<Value>().until("[DONE]");
    while let Some(delta) = answer.try_next()? {
        show(delta["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    }
    Ok(())
}
