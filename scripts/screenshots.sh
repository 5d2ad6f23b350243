#!/bin/sh
# Makes the screenshots of the page of `sse serve` in docs/: two widths, two colour schemes. Needs Chromium, Node and npm.
set -eu
cd "$(dirname "$0")/.."
npm ci --prefix sse-cli/tests/browser --no-audit --no-fund --silent
cargo build --quiet -p sse-cli
SSE="$PWD/target/debug/sse" node sse-cli/tests/browser/screenshots.mjs docs
