//! Shapes: the kinds of streams in the comparison.

use std::fmt;

/// Kind of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One `data` line of about 300 bytes of JSON.
    OpenAi,
    /// A type and about 90 bytes of JSON, with pings between.
    Anthropic,
    /// The event `data: x`.
    Tiny,
    /// One `data` line of 64 KiB, like an image.
    Long,
    /// 20 `data` lines of about 60 bytes.
    Lines,
    /// An ID, a type and 1.5 KB of data.
    Feed,
    /// `OpenAi` with CRLF line ends.
    Crlf,
    /// `Anthropic` with CRLF line ends.
    AnthropicCrlf,
    /// `OpenAi` with CR line ends.
    Cr,
    /// 5 to 25 comments before each event of `OpenAi`.
    KeepAlive,
    /// One `data` line of about 100 Chinese characters.
    Chinese,
    /// 5 to 25 blocks of a lone colon before each event of `OpenAi`.
    Colons,
    /// 1 to 6 comment blocks before each event, of one to three lines and 0 to 200 bytes per line,
    /// and comments within events.
    Comments,
    /// About 100 bytes of data with an ID, before or after the data, and a reconnection time in
    /// every fourth event.
    IdRetry,
    /// An MCP server's responses and notifications: `event: message`, an ID, JSON-RPC of 100 bytes
    /// to 6 KB.
    Mcp,
    /// Wikimedia's recent changes: a named `message`, an ID of 200 bytes of JSON, 1.3 KB of JSON
    /// with some text that is not ASCII.
    Wikimedia,
    /// A random other shape for every 2 to 6 events: tokens, pings, lines, IDs, comments, Chinese
    /// text, and lines of 2 KiB.
    Mixed,
}

impl Shape {
    /// The rows of the table.
    pub const ALL: [Self; 17] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Tiny,
        Self::Long,
        Self::Lines,
        Self::Feed,
        Self::Crlf,
        Self::AnthropicCrlf,
        Self::Cr,
        Self::KeepAlive,
        Self::Chinese,
        Self::Colons,
        Self::Comments,
        Self::IdRetry,
        Self::Mcp,
        Self::Wikimedia,
        Self::Mixed,
    ];

    /// Parses the output of `Display`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.to_string() == name)
    }

    /// The line end of the shape.
    pub(super) fn line_end(self) -> &'static str {
        match self {
            Self::Crlf | Self::AnthropicCrlf => "\r\n",
            Self::Cr => "\r",
            _ => "\n",
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Tiny => "tiny",
            Self::Long => "64k-line",
            Self::Lines => "20-lines",
            Self::Feed => "feed",
            Self::Crlf => "openai-crlf",
            Self::AnthropicCrlf => "anthropic-crlf",
            Self::Cr => "openai-cr",
            Self::KeepAlive => "keep-alive",
            Self::Chinese => "chinese",
            Self::Colons => "colons",
            Self::Comments => "comments",
            Self::IdRetry => "id-retry",
            Self::Mcp => "mcp",
            Self::Wikimedia => "wikimedia",
            Self::Mixed => "mixed",
        })
    }
}
