//! Programs of the README, for each adapter with only the crate's name changed: the test that includes this module names the
//! adapter at its root, `use sse_tokio as adapter`.

use crate::adapter;

include!("chat.rs");

#[test]
fn the_chat_of_the_readme_is_the_same_for_this_adapter() {
    let readme = include_str!("../../docs/client.md");
    let program = include_str!("chat.rs").replace("adapter", "sse_tokio");
    assert!(readme.contains(program.trim_end()), "docs/client.md has this program:\n{program}");
    let source = chat("key").expect("a request");
    assert_eq!(source.url().as_str(), "https://api.example.com/v1/chat/completions");
}
