use futures_util::TryStreamExt;
use adapter::{EventSource, MessagesError};

async fn first(source: EventSource) -> Result<Option<String>, Box<dyn std::error::Error>> {
    match source.messages().until("[DONE]").try_next().await {
        Ok(message) => Ok(message.map(|message| message.into_data())),
        Err(MessagesError::Source(mut error)) if error.status().is_some_and(|status| status == 429) => {
            Err(format!("slow down: {}", error.text(64 << 10).await?).into())
        }
        Err(error) => Err(error.into()),
    }
}
