//! Checks of the fuzz targets, one function for each. `regressions.rs` runs them on inputs that
//! once failed.

pub mod client;
pub mod encode;
pub mod history;
pub mod parse;

/// Runs the check of a fuzz target.
pub fn check(target: &str, input: &[u8]) {
    match target {
        "parse" => parse::parse(input),
        "differential" => parse::differential(input),
        "roundtrip" => encode::roundtrip(input),
        "encode_injection" => encode::encode_injection(input),
        "client" => client::client(input),
        "history" => history::history(input),
        _ => panic!("no target is called {target}"),
    }
}

/// A fuzzer's input, consumed from the front. Missing bytes read as zero.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// The next `len` bytes, or all that are left.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Bytes with their number in front of them.
    pub fn counted(&mut self) -> &'a [u8] {
        let len = self.byte();
        self.bytes(len.into())
    }

    /// Text with its length in front of it.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.counted()).into_owned()
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}
