//! Compiles and runs the programs of `MIGRATION.md`, `docs/` and each `README.md`: `cargo test -p docs --doc`.

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
