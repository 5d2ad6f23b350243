//! `sse tail --help` and the manual page.

use std::process::Command;

fn sse(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sse")).args(arguments).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_and_manual_have_examples_and_environment() {
    let pages = [sse(&["tail", "--help"]), sse(&["man", "tail"]).replace("\\-", "-")];
    for page in &pages {
        for word in ["OpenAI", "Anthropic", "MCP", "Wikimedia", "A hub", "NO_PROXY"] {
            assert!(page.contains(word), "{word} in {page}");
        }
    }
    let headings = [["Examples:", "Environment:", "Exit codes:"], ["EXAMPLES", "ENVIRONMENT", "EXIT STATUS"]];
    for (page, headings) in pages.iter().zip(headings) {
        assert!(headings.iter().all(|heading| page.contains(heading)), "{page}");
    }
}

#[test]
fn the_short_help_is_without_examples() {
    let help = sse(&["tail", "-h"]);
    assert!(help.contains("--data-only") && !help.contains("Examples"));
}
