#!/usr/bin/env bash
# Two nodes on one Redis and 50 clients that know both, under every fault, for as many seeds as are asked for (10), with as many
# rounds of all faults each as the second argument says (3).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v redis-server >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends redis-server; }
for seed in $(seq 1 "${1:-10}"); do
  SSE_CLUSTER_SEED=$seed SSE_CLUSTER_ROUNDS=${2:-3} cargo test --quiet -p sse-cli --test cluster -- --nocapture
done
