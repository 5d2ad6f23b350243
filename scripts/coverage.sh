#!/bin/sh
# Measures how many lines of the core its tests run, and fails below 95 %.
#
#   scripts/coverage.sh [ARGUMENT OF cargo llvm-cov]..     e.g. --show-missing-lines, or --html
#
# Needs cargo-llvm-cov, which is installed when missing (4 min), and LLVM's own tools, of version 19 or newer: the rustup
# component `llvm-tools`, LLVM_COV and LLVM_PROFDATA, or Debian's llvm-19, which is installed when there are none.
set -eu
cd "$(dirname "$0")/.."
command -v cargo-llvm-cov >/dev/null || cargo install --locked --quiet cargo-llvm-cov
if [ -z "${LLVM_COV:-}" ] && [ ! -x "$(rustc --print target-libdir)/../bin/llvm-cov" ]; then
  if ! command -v llvm-cov-19 >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends llvm-19
  fi
  export LLVM_COV LLVM_PROFDATA
  LLVM_COV=$(command -v llvm-cov-19) LLVM_PROFDATA=$(command -v llvm-profdata-19)
fi
[ $# -gt 0 ] || set -- --summary-only
exec cargo llvm-cov -p sse-proto --all-features --fail-under-lines 95 "$@"
