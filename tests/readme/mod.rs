//! The client's programs in `README.md` and `docs/`, compiled and run for an adapter with only the
//! crate's name changed.
//!
//! The test that includes this module names the adapter at its root, `use sse_tokio as adapter`,
//! and has a function `block_on`.

use crate::adapter;

mod support;

#[expect(dead_code, clippy::print_stdout, reason = "it is compiled")]
mod follow {
    use super::adapter;
    include!("follow.rs");
}

mod post {
    use super::adapter;
    include!("post.rs");

    #[test]
    fn the_post_of_the_pages_is_a_request() {
        let source = chat("key").expect("a request");
        assert_eq!(source.url().as_str(), "https://api.example.com/v1/chat/completions");
    }
}

#[allow(dead_code, clippy::print_stdout, clippy::print_stderr, reason = "`main` is compiled")]
mod chat {
    use super::{adapter, support};
    include!("chat.rs");

    #[test]
    fn the_chat_of_the_pages_shows_an_answer() {
        support::chat(|url, show| crate::block_on(ask(url, "key", "Hi", show)));
    }
}

mod anthropic {
    use super::{adapter, support};
    include!("anthropic.rs");

    #[test]
    fn the_anthropic_client_of_the_pages_reads_an_answer() {
        support::anthropic(|url, body| crate::block_on(ask(url, "key", body)));
    }
}

mod mcp {
    use super::{adapter, support};
    include!("mcp.rs");

    #[test]
    fn the_mcp_client_of_the_pages_reads_a_response() {
        support::mcp(|url, request| crate::block_on(call(url, request)));
    }
}

mod refused {
    use super::{adapter, support};
    include!("refused.rs");

    #[test]
    fn the_pages_show_the_text_of_a_refusal() {
        support::refused(|url| {
            let source = adapter::EventSource::builder(url).method(adapter::http::Method::POST).build()?;
            crate::block_on(first(source))
        });
    }
}

#[test]
fn the_pages_have_the_programs() {
    is_in(include_str!("../../README.md"), include_str!("follow.rs"));
    is_in(include_str!("../../docs/client.md"), include_str!("post.rs"));
    for program in [
        include_str!("chat.rs"),
        include_str!("anthropic.rs"),
        include_str!("mcp.rs"),
        include_str!("refused.rs"),
    ] {
        is_in(include_str!("../../docs/llm.md"), program);
    }
}

fn is_in(page: &str, program: &str) {
    let program = program.replace("adapter", "sse_tokio");
    assert!(page.contains(program.trim_end()), "the page has this program:\n{program}");
}
