#!/bin/sh
# Builds for wasm32-unknown-unknown: the core with driver and stream adapters, and the browser example.
#
#   scripts/wasm.sh          builds
#   scripts/wasm.sh browser  and runs the example in headless Chromium (needs chromium, wasm-bindgen-cli, python3)
#
# The toolchain is the one at hand if it has the target (`rustup target add wasm32-unknown-unknown`). If not, it is the one
# of Debian 12, unpacked into target/wasm and not installed, which builds the target's std from its own source.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
target=wasm32-unknown-unknown
export CARGO_TARGET_DIR="$root/target/wasm/build"
mkdir -p target/wasm

build() { cargo build --release --target $target "$@"; }
if [ ! -d "$(rustc --print target-libdir --target $target 2>/dev/null)" ]; then
  tools=$root/target/wasm/debian
  linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
  if [ ! -x "$tools/usr/bin/rustc" ]; then
    mkdir -p target/wasm/packages
    (cd target/wasm/packages && apt-get download rustc-web cargo-web libstd-rust-web-dev rust-web-src \
      "$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')" \
      libllvm22 libgit2-1.5 libssh2-1 libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1)
    for package in target/wasm/packages/*.deb; do dpkg -x "$package" "$tools"; done
  fi
  build() {
    LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu RUSTC=$tools/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
      "$tools/usr/bin/cargo" build --release -Zbuild-std=std,panic_abort --target $target "$@"
  }
fi

build -p sse-proto --no-default-features --features stream
build -p sse-proto --features stream,serde
build --manifest-path examples/browser/Cargo.toml
echo "sse-proto and examples/browser build for $target"
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
