//! Compiles and runs the programs of `README.md`, `MIGRATION.md` and `docs/`: `cargo test -p docs --doc`.

macro_rules! pages {
    ($($name:ident $page:literal),* $(,)?) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($page)]
        struct $name;
    )*};
}

pages! {
    Readme "../README.md",
    Migration "../MIGRATION.md",
    Client "client.md",
    Embedding "embedding.md",
    Llm "llm.md",
}
