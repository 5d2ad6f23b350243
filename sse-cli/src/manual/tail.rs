//! Examples and environment of `sse tail`.

/// The purpose and the command line of each example.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        "OpenAI: print an answer as it is written; exit code 1 if the answer is cut off (with pipefail)",
        r#"sse tail --json --until '[DONE]' -H "Authorization: Bearer $OPENAI_API_KEY" \
      -d '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hi"}]}' \
      https://api.openai.com/v1/chat/completions |
      jq --unbuffered -rj '.json.choices[0].delta.content // empty'"#,
    ),
    (
        "Anthropic: only the events that have text",
        r#"sse tail --data-only --event content_block_delta -H "x-api-key: $ANTHROPIC_API_KEY" \
      -H 'anthropic-version: 2023-06-01' \
      -d '{"model":"claude-sonnet-4-5","max_tokens":256,"stream":true,"messages":[{"role":"user","content":"Hi"}]}' \
      https://api.anthropic.com/v1/messages | jq --unbuffered -rj '.delta.text // empty'"#,
    ),
    (
        "MCP (Streamable HTTP): call a method and print the reply",
        r#"sse tail --data-only -H 'Accept: application/json, text/event-stream' \
      -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' http://localhost:3000/mcp | jq"#,
    ),
    (
        "Wikimedia: a hundred changes into a file, resumable by their IDs",
        "sse tail --json --max-events 100 -o changes.jsonl https://stream.wikimedia.org/v2/stream/recentchange",
    ),
    (
        "A hub: two topics at once, a line for each event",
        r"sse tail --template '{time}\t{url}\t{data}' localhost:8080/events/news localhost:8080/events/prices",
    ),
    (
        "A hub: the current price, once",
        "sse tail --data-only --max-events 1 localhost:8080/events/prices | jq .price",
    ),
    (
        "Data with line feeds in it, unchanged, for each event a command",
        r#"sse tail --data-only -0 localhost:8080/events/notes | xargs -0 -n 1 notify-send"#,
    ),
];

/// Environment variables and their effect.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    (
        "http_proxy, HTTPS_PROXY, ALL_PROXY (https_proxy, all_proxy)",
        "Proxy for requests of this scheme, or of both: http://, https://, socks5:// or socks5h://. --proxy takes precedence.",
    ),
    (
        "NO_PROXY (no_proxy)",
        "Hosts to reach without a proxy: names, suffixes, addresses, networks (10.0.0.0/8) or *, separated by commas.",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Certificates to trust instead of those of the system. --cacert takes precedence.",
    ),
    ("NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM", "Whether the output has colours."),
];
