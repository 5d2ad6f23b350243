#!/usr/bin/env bash
# Compares the public API of each library with the newest tag, by cargo-semver-checks. Needs `cargo install --locked cargo-semver-checks`.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) || { echo "no release yet: there is nothing to compare with"; exit 0; }
for crate in $(scripts/release.sh --order); do
  [ "$crate" = sse-cli ] || cargo semver-checks --package "$crate" --baseline-rev "$base" --all-features
done
