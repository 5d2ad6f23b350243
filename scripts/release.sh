#!/usr/bin/env bash
# Publishes the crates of this workspace in the order of their dependencies.
#
#   scripts/release.sh --order     prints the crates in that order
#   scripts/release.sh 0.1.0       a dry run: checks, packages, and says what it would do
#   scripts/release.sh 0.1.0 --allow-placeholder   a dry run, although `repository` is a placeholder
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
mode=${2:-}
fail() { echo "not released: $*" >&2; exit 1; }

[ -z "$(git status --porcelain)" ] || fail "the working tree has changes: commit or stash them"
[ "$(git branch --show-current)" = main ] || fail "the branch is not main"
grep -q "^version = \"$version\"" Cargo.toml || fail "the version in Cargo.toml is not $version"
grep -q "^## $version" CHANGELOG.md || fail "CHANGELOG.md has no section for $version"
! git rev-parse -q --verify "v$version" >/dev/null || fail "the tag v$version exists"
case $mode in '' | --publish | --allow-placeholder) ;; *) fail "unknown option $mode" ;; esac
if grep -q '^repository = .*invalid' Cargo.toml; then
  placeholder="the repository in Cargo.toml is a placeholder: set its address"
  [ "$mode" = --allow-placeholder ] || fail "$placeholder"
  echo "before the release: $placeholder"
fi
if grep -q "^## $version (unreleased)" CHANGELOG.md; then
  [ "$mode" != --publish ] || fail "CHANGELOG.md calls $version unreleased: give its section the date"
  echo "before the release: CHANGELOG.md calls $version unreleased: give its section the date"
fi
scripts/semver.sh
scripts/package.sh

if [ "$mode" != --publish ]; then
  printf 'would publish %s\n' "${order[@]/%/ $version}"
  echo "would tag v$version"
  exit
fi
for crate in "${order[@]}"; do cargo publish --package "$crate"; done
git tag --annotate "v$version" --message "Version $version"
echo "published; now: git push origin v$version"
