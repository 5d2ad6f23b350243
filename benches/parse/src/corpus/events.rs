//! Events of each shape, in the format of the services that send them.

use super::random::Random;
use super::{MESSAGE, Shape, Writer};

/// Writes the next event of `shape`, and the comments that come before it.
pub(super) fn next(shape: Shape, writer: &mut Writer, random: &mut Random) {
    match shape {
        Shape::OpenAi | Shape::Crlf | Shape::Cr => writer.event(MESSAGE, &chat_chunk(random), ""),
        Shape::Anthropic | Shape::AnthropicCrlf if random.below(16) == 0 => {
            writer.event("ping", "{\"type\": \"ping\"}", "");
        }
        Shape::Anthropic | Shape::AnthropicCrlf => {
            let text = random.word(1, 12);
            let data = format!(
                "{{\"type\":\"content_block_delta\",\"index\":0,\
                 \"delta\":{{\"type\":\"text_delta\",\"text\":\" {text}\"}}}}"
            );
            writer.event("content_block_delta", &data, "");
        }
        Shape::Tiny => writer.event(MESSAGE, &random.word(1, 1), ""),
        Shape::Long => writer.event(MESSAGE, &random.word(64 << 10, 64 << 10), ""),
        Shape::Lines => {
            let lines: Vec<String> = (0..20).map(|_| random.prose(50, 70)).collect();
            writer.event(MESSAGE, &lines.join("\n"), "");
        }
        Shape::Feed => {
            let id = format!("{}-{}", 1_700_000_000_000 + writer.events, random.below(1000));
            let data = format!("{{\"title\":\"{}\"}}", random.prose(1400, 1600));
            writer.event("recentchange", &data, &id);
        }
        Shape::KeepAlive => {
            for _ in 0..5 + random.below(21) {
                writer.comment(&[["keep-alive", "OPENROUTER PROCESSING", "ping"][random.below(3)]]);
            }
            writer.event(MESSAGE, &chat_chunk(random), "");
        }
        Shape::Chinese => writer.event(MESSAGE, &random.chinese(90, 110), ""),
        Shape::Colons => {
            for _ in 0..5 + random.below(21) {
                writer.block(&[":"]);
            }
            writer.event(MESSAGE, &chat_chunk(random), "");
        }
        Shape::Comments => comments(writer, random),
        Shape::IdRetry => id_retry(writer, random),
        Shape::Mcp => mcp(writer, random),
        Shape::Wikimedia => wikimedia(writer, random),
        Shape::Mixed => mixed(writer, random),
    }
}

/// The JSON of a chat completion with one streamed token.
fn chat_chunk(random: &mut Random) -> String {
    format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":\"gpt-4o-2024-08-06\",\
         \"service_tier\":\"default\",\"system_fingerprint\":\"fp_{}\",\"choices\":[{{\"index\":0,\"delta\":\
         {{\"content\":\" {}\"}},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null}}",
        random.word(29, 29),
        1_720_000_000 + random.below(90_000_000),
        random.word(10, 10),
        random.word(1, 12),
    )
}

fn comments(writer: &mut Writer, random: &mut Random) {
    for _ in 0..1 + random.below(6) {
        let lines: Vec<String> = (0..1 + random.below(3)).map(|_| comment(random)).collect();
        writer.comment(&lines);
    }
    let within = comment(random);
    if random.below(2) == 0 {
        writer.line([": ", &within]);
    }
    writer.event(MESSAGE, &chat_chunk(random), "");
}

/// A comment: most are short, some long, and one in eight is empty.
fn comment(random: &mut Random) -> String {
    match random.below(8) {
        0 => String::new(),
        1..5 => random.word(1, 12),
        5..7 => random.prose(12, 60),
        _ => random.prose(60, 200),
    }
}

fn id_retry(writer: &mut Writer, random: &mut Random) {
    let id = [writer.events.to_string(), format!("{}-{}", random.word(22, 22), writer.events)];
    let id = &id[random.below(2)];
    let retry = format!("retry: {}", [1000, 3000, 15000][random.below(3)]);
    let lines: &[&str] = if random.below(4) == 0 { &[&retry] } else { &[] };
    let data = format!("{{\"value\":\"{}\"}}", random.prose(80, 120));
    let kind = [MESSAGE, "update"][random.below(2)];
    if random.below(2) == 0 {
        writer.event_with(lines, kind, &data, id);
    } else {
        writer.event_before_id(lines, kind, &data, id);
    }
}

fn mcp(writer: &mut Writer, random: &mut Random) {
    let id = format!("{}_{}", 4, writer.events);
    let data = match random.below(4) {
        0 => {
            let text = random.prose(100, 6000).replace(", ", ",\\n");
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}],\
                 \"isError\":false}}}}",
                writer.events
            )
        }
        1 => format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"logger\":\"tool\",\
             \"data\":\"{}\"}}}}",
            random.prose(20, 160)
        ),
        _ => format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":\"{}\",\
             \"progress\":{},\"total\":100}}}}",
            random.word(22, 22),
            random.below(100)
        ),
    };
    writer.named_event(&data, &id);
}

fn wikimedia(writer: &mut Writer, random: &mut Random) {
    let now = 1_764_000_000_000 + 37 * writer.events;
    let id = format!(
        "[{{\"topic\":\"eqiad.mediawiki.recentchange\",\"partition\":0,\"timestamp\":{now}}},\
         {{\"topic\":\"codfw.mediawiki.recentchange\",\"partition\":0,\"offset\":-1}}]"
    );
    // One title in four is Chinese, one comment in eight has a letter that is not ASCII.
    let title = if random.below(4) == 0 { random.chinese(4, 16) } else { random.prose(8, 40) };
    let accent = if random.below(8) == 0 { "é" } else { "e" };
    let data = format!(
        "{{\"$schema\":\"/mediawiki/recentchange/1.0.0\",\"meta\":{{\"uri\":\"https://en.wikipedia.org/wiki/{title}\",\
         \"request_id\":\"{}\",\"id\":\"{}\",\"domain\":\"en.wikipedia.org\",\"stream\":\"mediawiki.recentchange\",\
         \"topic\":\"eqiad.mediawiki.recentchange\",\"partition\":0,\"offset\":{}}},\"id\":{},\"type\":\"edit\",\
         \"namespace\":0,\"title\":\"{title}\",\"comment\":\"r{accent}vert: {}\",\"timestamp\":{},\"user\":\"{}\",\
         \"bot\":false,\"minor\":true,\"length\":{{\"old\":{},\"new\":{}}},\"server_name\":\"en.wikipedia.org\",\
         \"wiki\":\"enwiki\",\"parsedcomment\":\"{}\"}}",
        random.word(36, 36),
        random.word(36, 36),
        5_000_000_000 + writer.events,
        random.below(2_000_000_000),
        random.prose(20, 200),
        now / 1000,
        random.word(4, 16),
        random.below(90_000),
        random.below(90_000),
        random.prose(100, 500),
    );
    writer.named_event(&data, &id);
}

fn mixed(writer: &mut Writer, random: &mut Random) {
    const SHAPES: [Shape; 10] = [
        Shape::OpenAi,
        Shape::Anthropic,
        Shape::Tiny,
        Shape::Lines,
        Shape::Feed,
        Shape::Chinese,
        Shape::Colons,
        Shape::Comments,
        Shape::IdRetry,
        Shape::Mcp,
    ];
    let shape = random.below(SHAPES.len() + 1);
    for _ in 0..2 + random.below(5) {
        match SHAPES.get(shape) {
            Some(&shape) => next(shape, writer, random),
            None => writer.event(MESSAGE, &random.word(2 << 10, 2 << 10), ""),
        }
    }
}
