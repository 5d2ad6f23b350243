#!/bin/sh
# Builds for wasm32-unknown-unknown: the core with driver and stream adapters, the drop-in crates, and the browser example.
#
#   scripts/wasm.sh          builds
#   scripts/wasm.sh browser  and runs the example in headless Chromium (needs chromium, wasm-bindgen-cli, python3)
#
# The toolchain is the one at hand if it has the target, else that of Debian 12, as debian-rust.sh says.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian-rust.sh
target=wasm32-unknown-unknown
export CARGO_TARGET_DIR="$PWD/target/wasm/build"
mkdir -p target/wasm
linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
[ ! -x "$linker" ] || export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker"

build() { cargo_for $target std,panic_abort build --release "$@"; }
build -p sse-proto --no-default-features --features stream
build -p sse-proto --features stream,serde
build -p sse-proto --features stream,web-time
build -p sse-eventsource-stream --no-default-features
build -p sse-reqwest-eventsource
build -p sse-reqwest-eventsource-013
build --manifest-path examples/browser/Cargo.toml
echo "sse-proto, the drop-in crates and examples/browser build for $target"
[ "${1:-}" = browser ] || exit 0

wasm-bindgen --target web --out-dir examples/browser/pkg "$CARGO_TARGET_DIR/$target/release/browser.wasm"
examples/browser/serve.py 8931 >target/wasm/seen &
server=$!
profile=$(mktemp -d)
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --user-data-dir="$profile" http://127.0.0.1:8931/ 2>target/wasm/chromium.log &
browser=$!
(sleep 60 && kill "$server") >/dev/null 2>&1 &
watchdog=$!
wait "$server" || true
kill "$browser" "$watchdog" 2>/dev/null || true
cat target/wasm/seen
for line in 'message "one"' 'message "two 😎"' 'closed "the server answered with status 204: do not connect again"'; do
  grep -qF "$line" target/wasm/seen || { echo "missing: $line"; exit 1; }
done
[ "$(grep -c '^disconnected' target/wasm/seen)" = 2 ]
