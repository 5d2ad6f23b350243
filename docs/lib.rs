//! Compiles and runs the programs of `MIGRATION.md`, `docs/` and each `README.md`:
//! `cargo test -p docs --doc`.

macro_rules! pages {
    ($($name:ident $page:literal),* $(,)?) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($page)]
        struct $name;
    )*};
}

pages! {
    Readme "../README.md",
    AsyncStd "../sse-async-std/README.md",
    Blocking "../sse-blocking/README.md",
    Hub "../sse-hub/README.md",
    Proto "../sse-proto/README.md",
    Tokio "../sse-tokio/README.md",
    Migration "../MIGRATION.md",
    Client "client.md",
    Embedding "embedding.md",
    Llm "llm.md",
}

#[cfg(test)]
mod tests {
    /// Each program of the guide for adapters stands in the example that it explains.
    #[test]
    fn the_adapter_guide_shows_code_of_the_example() {
        let (guide, example) =
            (include_str!("../scripts/new-adapter.md"), include_str!("../sse-http/examples/adapter.rs"));
        let programs: Vec<&str> =
            guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(programs.len() >= 5, "{} programs", programs.len());
        for program in programs {
            assert!(example.contains(program.trim_end()), "not in the example:\n{program}");
        }
    }
}
