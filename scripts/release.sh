#!/usr/bin/env bash
# Publishes the crates of this workspace in the order of their dependencies.
#
#   scripts/release.sh --order     prints the crates in that order
#   scripts/release.sh 0.1.0       a dry run: checks, packages, and says what it would do
#   scripts/release.sh 0.1.0 --publish
set -euo pipefail
cd "$(dirname "$0")/.."

# The tests of sse-tokio need sse-hub, so sse-hub comes first.
order=(sse-proto sse-http sse-hub sse-tokio sse-async-std sse-blocking sse-cli
  sse-eventsource-stream sse-reqwest-eventsource sse-reqwest-eventsource-013)
if [ "${1:-}" = --order ]; then
  printf '%s\n' "${order[@]}"
  exit
fi
version=${1:?which version? scripts/release.sh 0.1.0}
fail() { echo "not released: $*" >&2; exit 1; }

[ -z "$(git status --porcelain)" ] || fail "the working tree has changes: commit or stash them"
[ "$(git branch --show-current)" = main ] || fail "the branch is not main"
grep -q "^version = \"$version\"" Cargo.toml || fail "the version in Cargo.toml is not $version"
grep -q "^## $version" CHANGELOG.md || fail "CHANGELOG.md has no section for $version"
! git rev-parse -q --verify "v$version" >/dev/null || fail "the tag v$version exists"
! grep -q '^repository = .*invalid' Cargo.toml || fail "the repository in Cargo.toml is a placeholder: set its address"
scripts/semver.sh
scripts/package.sh

if [ "${2:-}" != --publish ]; then
  printf 'would publish %s\n' "${order[@]/%/ $version}"
  echo "would tag v$version"
  exit
fi
for crate in "${order[@]}"; do cargo publish --package "$crate"; done
git tag --annotate "v$version" --message "Version $version"
echo "published; now: git push origin v$version"
