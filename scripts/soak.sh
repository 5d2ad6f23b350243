#!/bin/sh
# Runs client and hub under load for so many seconds, with restarts of both, and prints what came of it.
#
#   scripts/soak.sh SECONDS
#
# Ends with a status other than 0 if an event was lost or repeated, a descriptor leaked, or memory grew. Needs Linux.
set -eu
cd "$(dirname "$0")/.."
SSE_SOAK_SECONDS=${1:?usage: scripts/soak.sh SECONDS}
export SSE_SOAK_SECONDS
cargo test -p sse-tokio --test soak -- --ignored --nocapture
