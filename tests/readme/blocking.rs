//! The client's programs in `README.md` and `docs/`, for the blocking adapter: the crate's name
//! changed, and no `.await`.

use crate::adapter;

#[path = "support.rs"]
mod support;

#[expect(dead_code, clippy::print_stdout, reason = "it is compiled")]
mod follow {
    use super::adapter;
    include!("blocking/follow.rs");
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
    include!("blocking/chat.rs");

    #[test]
    fn the_chat_of_the_pages_shows_an_answer() {
        support::chat(|url, show| ask(url, "key", "Hi", show));
    }
}

mod anthropic {
    use super::{adapter, support};
    include!("blocking/anthropic.rs");

    #[test]
    fn the_anthropic_client_of_the_pages_reads_an_answer() {
        support::anthropic(|url, body| ask(url, "key", body));
    }
}

mod mcp {
    use super::{adapter, support};
    include!("blocking/mcp.rs");

    #[test]
    fn the_mcp_client_of_the_pages_reads_a_response() {
        support::mcp(call);
    }
}

mod refused {
    use super::{adapter, support};
    include!("blocking/refused.rs");

    #[test]
    fn the_pages_show_the_text_of_a_refusal() {
        support::refused(|url| {
            let source = adapter::EventSource::builder(url).method(adapter::http::Method::POST).build()?;
            first(source)
        });
    }
}

#[test]
fn the_programs_of_the_pages_need_no_other_change() {
    for (page, program) in [
        (include_str!("follow.rs"), include_str!("blocking/follow.rs")),
        (include_str!("chat.rs"), include_str!("blocking/chat.rs")),
        (include_str!("anthropic.rs"), include_str!("blocking/anthropic.rs")),
        (include_str!("mcp.rs"), include_str!("blocking/mcp.rs")),
        (include_str!("refused.rs"), include_str!("blocking/refused.rs")),
    ] {
        assert_eq!(program, blocking(page));
    }
}

fn blocking(program: &str) -> String {
    let program = program.replace("use futures_util::TryStreamExt;\n", "").replace("#[tokio::main]\n", "");
    program.replace(".await", "").replace("async fn", "fn")
}
