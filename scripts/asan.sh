#!/bin/sh
# Runs the tests of the core and the adapters, the attacks over sockets included, under AddressSanitizer and LeakSanitizer, on
# a stable toolchain.
#
#   scripts/asan.sh [ARGUMENT OF cargo test]..
#
# Needs x86-64 Linux. Ends with a status other than 0 if a test failed, memory was misused, or some leaked.
set -eu
cd "$(dirname "$0")/.."
packages=
for package in sse-proto sse-http sse-tokio sse-hub sse-blocking sse-async-std; do
  [ ! -d "$package" ] || packages="$packages -p $package"
done
# The target keeps the sanitizer out of build scripts and procedural macros.
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/asan CARGO_PROFILE_DEV_DEBUG=line-tables-only
# shellcheck disable=SC2086 # one word for each package
cargo test $packages --all-features --tests --target x86_64-unknown-linux-gnu "$@"
