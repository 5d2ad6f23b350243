//! Code that the fuzz targets run: the checks of sse-proto's tests, and the comparison with other
//! parsers.

mod peers;
#[path = "../../sse-proto/tests/support/mod.rs"]
mod support;

/// Runs the check of a target; panics if it fails.
pub fn check(target: &str, input: &[u8]) {
    support::checks::check(target, input);
    if target == "differential" {
        peers::agree(input);
    }
}
