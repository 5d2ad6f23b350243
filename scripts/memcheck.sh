#!/bin/sh
# Runs the tests of the core and the adapters under valgrind's memcheck: the compiled program itself, its vector code included.
#
#   scripts/memcheck.sh [ARGUMENT OF cargo test]..         e.g. -p sse-proto; without, core and adapters
#
# Needs x86-64 Linux and valgrind, which is installed when missing (Debian). Ends with a status other than 0 if a test failed,
# memory was misused, or some leaked.
set -eu
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends valgrind
fi
[ $# -gt 0 ] || set -- -p sse-proto -p sse-http -p sse-tokio -p sse-hub -p sse-blocking -p sse-async-std
# Optimised, for it is slow enough. Every test binary is run by what the variable says.
export CARGO_TARGET_DIR=target/memcheck CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=line-tables-only
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --quiet --error-exitcode=9 --leak-check=full \
  --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite --suppressions=$PWD/scripts/memcheck.supp"
exec cargo test --all-features --lib --tests "$@" -- --test-threads=1
