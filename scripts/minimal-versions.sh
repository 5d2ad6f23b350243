#!/bin/sh
# Compiles every crate with the oldest versions of its direct dependencies that its Cargo.toml accepts.
#
#   scripts/minimal-versions.sh
#
# Works on a copy of the repository, so that Cargo.lock stays as it is. Cargo resolves such versions as an unstable option,
# which RUSTC_BOOTSTRAP=1 enables in a stable toolchain.
set -eu
cd "$(dirname "$0")/.."
copy=target/minimal/source
mkdir -p "$copy"
git ls-files -z | xargs -0 cp --parents --no-dereference --target-directory "$copy"
export CARGO_TARGET_DIR="$PWD/target/minimal/build" CARGO_PROFILE_DEV_DEBUG=0
cd "$copy"
RUSTC_BOOTSTRAP=1 cargo update --quiet -Z direct-minimal-versions
cargo check --quiet --workspace --all-features
echo "every crate compiles with the oldest versions that it accepts"
