#!/usr/bin/env bash
# Runs the fuzz targets one after the other, each for so many seconds of processor time, and says what came of it.
#
#   fuzz/run.sh SECONDS [TARGET]..
#
# Needs cargo-fuzz (`cargo install --locked cargo-fuzz`) and Python for the first corpus; the toolchain may be a stable one.
# Ends with 1 if an input made a target fail: it is in fuzz/artifacts, and belongs into fuzz/regressions once it
# is understood.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET]..}
shift
[ $# -gt 0 ] || set -- parse differential roundtrip encode_injection history client disk

export RUSTC_BOOTSTRAP=1
python3 seeds.py
cargo fuzz build
binaries=target/$(rustc -vV | sed -n 's/^host: //p')/release
log=$(mktemp)
clock=$(mktemp)
trap 'rm -f "$log" "$clock"' EXIT
TIMEFORMAT='%3U %3S'

status=0
printf '%-18s%8s%14s%9s%9s%9s%9s\n' target cpu_s executions exec/s cov ft crashes
for target in "$@"; do
    mkdir -p "artifacts/$target" "corpus/$target" "regressions/$target"
    cpu=0 executions=0 crashed=0 # cpu in milliseconds
    # libFuzzer knows only the clock on the wall; where other programs keep the processor, it takes several turns.
    # Threads of the engine that are about to end count as leaks.
    leaks=1
    [ "$target" != disk ] || leaks=0
    while [ "$crashed" = 0 ] && [ "$cpu" -lt $((seconds * 1000)) ]; do
        { time "$binaries/$target" -max_total_time=$((seconds - cpu / 1000)) -max_len=1024 -timeout=20 -rss_limit_mb=1024 -detect_leaks=$leaks \
            -dict=sse.dict -print_final_stats=1 -artifact_prefix="artifacts/$target/" \
            "corpus/$target" "regressions/$target" 2>"$log"; } 2>"$clock" || crashed=1
        read -r user system < <(tail -n 1 "$clock")
        cpu=$((cpu + 10#${user/./} + 10#${system/./}))
        executions=$((executions + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1 | grep . || echo 0)))
    done
    cpu=$((cpu / 1000))
    last() { sed -n "s/.* $1: \([0-9]*\).*/\1/p" "$log" | tail -n 1; }
    printf '%-18s%8d%14d%9d%9s%9s%9d\n' "$target" "$cpu" "$executions" $((executions / (cpu > 0 ? cpu : 1))) \
        "$(last cov)" "$(last ft)" "$crashed"
    if [ "$crashed" = 1 ]; then
        status=1
        grep -a -B 12 -A 4 -e 'ERROR: ' -e 'Test unit written' "$log" >&2 || cat "$log" >&2
    fi
done
exit "$status"
