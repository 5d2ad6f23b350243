#!/usr/bin/env bash
# Holds many subscribers over four `sse serve` on one Redis, publishes at one of them, and prints what `sse bench` saw at each.
#
#   cargo build --release -p sse-cli
#   scripts/cluster-load.sh target/release/sse [SUBSCRIBERS] [SECONDS]
#
# 50,000 subscribers by default: each node and each of the four `sse bench` then has 12,500 sockets open. Needs redis-server and curl.
set -euo pipefail
sse=${1:?usage: scripts/cluster-load.sh SSE [SUBSCRIBERS] [SECONDS]}
each=$((${2:-50000} / 4))
seconds=${3:-20}
[ "$(ulimit -n)" -gt $((each + 100)) ] || { echo "ulimit -n $((each + 100)) is needed" >&2; exit 1; }
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

redis-server --port 7970 --save '' --dir "$work" >"$work/redis.log" &
redis=$!
pids+=("$redis")
nodes=()
for port in 7971 7972 7973 7974; do
    "$sse" serve --listen "127.0.0.1:$port" --redis redis://127.0.0.1:7970 --max-subscribers $((each + 50)) \
        >"$work/node$port.log" 2>&1 &
    nodes+=($!)
done
pids+=("${nodes[@]}")
for port in 7971 7972 7973 7974; do
    until curl -sf "127.0.0.1:$port/readyz" >/dev/null; do sleep 0.1; done
done

subscribers() { curl -s "127.0.0.1:$1/metrics" | sed -n 's/^sse_subscribers \([0-9]*\).*/\1/p'; }
for at in 1 2 3; do
    "$sse" bench "http://127.0.0.1:797$((at + 1))/events/t" -n "$each" --seconds $((seconds + 60)) --patience 60 \
        --pid "${nodes[at]}" >"$work/bench$at.txt" 2>&1 &
    benches[at]=$!
    pids+=($!)
done
for port in 7972 7973 7974; do
    until [ "$(subscribers "$port")" -ge "$each" ]; do sleep 0.5; done
done
"$sse" bench http://127.0.0.1:7971/events/t -n "$each" --publish http://127.0.0.1:7971/events/t --rate 1 --seconds "$seconds" \
    --patience 60 --pid "${nodes[0]}" || true
for at in 1 2 3; do
    kill -INT "${benches[at]}"
    wait "${benches[at]}" || true
    cat "$work/bench$at.txt"
done
echo "Redis: $(ps -o cputimes=,rss= -p "$redis" | awk '{ print $1 " s of CPU, " $2 / 1024 " MiB" }')"
