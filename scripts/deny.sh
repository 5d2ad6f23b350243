#!/bin/sh
# Checks the licences, the bans and the sources of every dependency by deny.toml, those of the fuzzer, the benchmarks and the
# examples included.
#
#   scripts/deny.sh
#
# Installs cargo-deny when missing (7 min). Known vulnerabilities are not looked for: `cargo deny check advisories` needs a
# database from the network.
set -eu
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked --quiet cargo-deny
status=0
for lock in Cargo.lock fuzz/Cargo.lock benches/Cargo.lock examples/*/Cargo.lock; do
  [ -f "$lock" ] || continue
  echo "== $lock"
  cargo deny --manifest-path "${lock%lock}toml" --config deny.toml check --allow license-exception-not-encountered licenses bans sources || status=1
done
exit $status
