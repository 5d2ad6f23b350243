#!/usr/bin/env bash
# Packages every crate as it would be published, builds each package, and runs the tests that are inside of it.
#
#   scripts/package.sh            all
#   scripts/package.sh sse-proto  one of them
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_PROFILE_DEV_DEBUG=0
crates=("$@")
[ $# -gt 0 ] || mapfile -t crates < <(scripts/release.sh --order)
packages=target/package
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
cargo package --allow-dirty --no-verify --quiet $(scripts/release.sh --order | sed 's/^/--package /')

# Each package depends on the others as they were packaged, not on the folders of the repository.
patches=()
for crate in $(scripts/release.sh --order); do
  archive=$packages/$crate-$version.crate
  folder=$packages/unpacked/$crate
  rm -rf "$folder" && mkdir -p "$folder"
  # `--touch`: the files of a package have one date for ever, by which cargo would take a changed file for an old one.
  tar -xzf "$archive" --touch -C "$folder" --strip-components=1
  for file in README.md LICENSE-MIT LICENSE-APACHE; do
    [ -s "$folder/$file" ] || { echo "$crate: the package has no $file"; exit 1; }
  done
  patches+=(--config "patch.crates-io.$crate.path='$PWD/$folder'")
done
for crate in "${crates[@]}"; do
  echo "== $crate"
  manifest=$packages/unpacked/$crate/Cargo.toml
  # A workspace of its own, so that cargo does not look for the one of the repository.
  grep -q '^\[workspace\]' "$manifest" || printf '\n[workspace]\n' >>"$manifest"
  cargo test --quiet --all-features --manifest-path "$manifest" --target-dir target/packaged "${patches[@]}"
done
