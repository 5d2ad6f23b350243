#!/usr/bin/env bash
# Builds published crates that depend on eventsource-stream or reqwest-eventsource against the drop-in crates, with nothing
# changed but the dependency line, and runs those of their own tests that need no network and no key. Also the tests of the
# originals themselves, and a program that has them only through another crate, with [patch.crates-io].
#
#   scripts/dropin-dependents.sh                 all of them: half an hour on two cores
#   scripts/dropin-dependents.sh genai patch     some of them, by name
#
# Works in $SSE_DROPIN_DIR, or a folder of its own under /tmp: copies of the crates, one target folder, one log for each.
set -euo pipefail
cd "$(dirname "$0")/.."
compat=$PWD/compat
work=${SSE_DROPIN_DIR:-${TMPDIR:-/tmp}/sse-dropin}
export CARGO_TARGET_DIR=$work/target CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0 CARGO_INCREMENTAL=0
mkdir -p "$work"

# Name, version, and the arguments of `cargo test` (`-`: only build it).
dependents() {
  cat <<'DEPENDENTS'
async-openai 0.29.6 --lib --test ser_de -- --skip embedding --skip file --skip vector_store_files
genai 0.3.5 -
gemini-rust 2.1.0 --lib
async-anthropic 0.6.0 --lib
misanthropic 0.5.1 -
siumai 0.10.3 --lib
opencode_rs 0.13.5 --lib
rig-core 0.21.0 --lib --features audio,image
aisdk 0.5.2 -
ferro-ai 0.3.10 -
DEPENDENTS
}

# Downloads a crate by cargo and copies its source to $work/NAME.
download() {
  local name=$1 version=$2 stub=$work/fetch/$1
  rm -rf "$stub" "${work:?}/$name"
  mkdir -p "$stub/src"
  touch "$stub/src/lib.rs"
  printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n%s = "=%s"\n[workspace]\n' \
    "$name" "$version" >"$stub/Cargo.toml"
  (cd "$stub" && cargo fetch --quiet)
  cp -r "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-$version" "$work/$name"
  [ ! -f "$work/$name/Cargo.lock" ] || mv "$work/$name/Cargo.lock" "$work/$name/Cargo.lock.published"
}

# Points the two dependencies of a manifest, wherever they stand, to the drop-in crates.
switch() {
  python3 - "$1" "$compat" <<'PYTHON'
import re, sys
path, compat = sys.argv[1:]
text = open(path).read()
def switched(match):
    name = match[2]
    rest = re.sub(r'(?m)^version = .*\n', '', match[3])
    return f'{match[1]}package = "sse-{name}"\npath = "{compat}/{name}"\n{rest}'
pattern = r'(\[(?:[^\]\n]*\.)?(?:dev-)?dependencies\.(eventsource-stream|reqwest-eventsource)\]\n)((?:(?!\[).*\n)*)'
text, count = re.subn(pattern, switched, text)
assert count, "neither of the two is a dependency"
open(path, 'w').write(text + '\n[workspace]\n')
PYTHON
}

dependent() {
  local name=$1 version=$2
  shift 2
  download "$name" "$version"
  switch "$work/$name/Cargo.toml"
  cd "$work/$name"
  # The newest dependencies, or those that it was published with if some were yanked since.
  cargo generate-lockfile --quiet || cp Cargo.lock.published Cargo.lock
  # Lints are capped as they are for a dependency: some deny warnings, and compilers have learnt new ones.
  cargo rustc --quiet --lib -- --cap-lints=warn
  [ "$1" = - ] || cargo test --quiet "$@"
}

# The originals' own tests, unit tests included, against the crates that replace them.
originals() {
  local stub=$work/originals
  download eventsource-stream 0.2.3
  rm -rf "$stub"
  mkdir -p "$stub/src" "$stub/tests"
  touch "$stub/src/lib.rs"
  cp "$work/eventsource-stream/tests/"*.rs "$stub/tests/"
  # The unit tests are about public items alone.
  { echo 'use eventsource_stream::*;' && sed -n '/^#\[cfg(test)\]/,$p' "$work/eventsource-stream/src/event_stream.rs"; } \
    >"$stub/tests/unit.rs"
  cat >"$stub/Cargo.toml" <<MANIFEST
[package]
name = "originals"
version = "0.0.0"
edition = "2018"
[dependencies]
eventsource-stream = { package = "sse-eventsource-stream", path = "$compat/eventsource-stream" }
[dev-dependencies]
futures = "0.3"
http = "0.2"
reqwest = { version = "0.11", default-features = false, features = ["stream"] }
tokio = { version = "1", features = ["macros", "rt"] }
url = "2"
[workspace]
MANIFEST
  cd "$stub"
  cargo test --quiet
}

# A program that has the originals only through genai: [patch.crates-io] puts ours in their place.
patch() {
  local stub=$work/patch
  rm -rf "$stub"
  mkdir -p "$stub/src"
  cat >"$stub/Cargo.toml" <<MANIFEST
[package]
name = "patched"
version = "0.0.0"
edition = "2024"
[dependencies]
genai = "=0.3.5"
[patch.crates-io]
eventsource-stream = { path = "$compat/patch-eventsource-stream" }
reqwest-eventsource = { path = "$compat/patch-reqwest-eventsource" }
[workspace]
MANIFEST
  echo 'fn main() { let _ = genai::Client::default(); }' >"$stub/src/main.rs"
  cd "$stub"
  cargo build --quiet
  cargo tree --prefix none | grep -E '^(eventsource-stream|reqwest-eventsource) ' | sort -u
  ! grep -A2 -E '^name = "(eventsource-stream|reqwest-eventsource)"' Cargo.lock | grep -q '^source'
}

wanted() { [ ${#names[@]} -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]; }

names=("$@") passed=0 failed=()
run() {
  wanted "$1" || return 0
  local log=$work/$1.log start=$SECONDS
  # A command of its own: in an `if` a function would go on after a failure.
  if bash -euo pipefail -c 'source "$0" --functions && "$@"' "$script" "${@:2}" >"$log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    printf 'ok      %-20s %4d s  %s\n' "$1" $((SECONDS - start)) \
      "$(awk '/^test result: ok/ { n += $4; any = 1 } END { print any ? n " tests passed" : "built" }' "$log")"
  else
    failed+=("$1")
    printf 'FAILED  %-20s %4d s  %s\n' "$1" $((SECONDS - start)) "$log"
  fi
}

script=$PWD/scripts/dropin-dependents.sh
[ "${1:-}" != --functions ] || return 0
run originals originals
run patch patch
while read -r name version arguments; do
  # shellcheck disable=SC2086
  run "$name" dependent "$name" "$version" $arguments
done < <(dependents)
printf '%d passed, %d failed: %s\n' $passed ${#failed[@]} "${failed[*]:-none}"
[ ${#failed[@]} -eq 0 ]
