#!/usr/bin/env bash
# Compares the public API of each library with the newest tag, by cargo-semver-checks (stable Rust; about a minute for each crate).
#
#   scripts/semver.sh            all libraries
#   scripts/semver.sh sse-proto  one of them
set -euo pipefail
cd "$(dirname "$0")/.."
base=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || { echo "no release yet: there is nothing to compare with"; exit 0; }
command -v cargo-semver-checks >/dev/null || { echo "install it first: cargo install --locked cargo-semver-checks"; exit 1; }
crates=("$@")
[ $# -gt 0 ] || mapfile -t crates < <(scripts/release.sh --order | grep -v '^sse-cli$')
for crate in "${crates[@]}"; do
  cargo semver-checks --package "$crate" --baseline-rev "$base" --all-features
done
