#!/bin/sh
# Runs the fuzz targets one after the other, each for so many seconds, and says what came of it.
#
#   fuzz/run.sh SECONDS [TARGET]..
#
# Needs cargo-fuzz (`cargo install --locked cargo-fuzz`) and Python for the first corpus; the toolchain may be a stable one.
# Ends with 1 if an input made a target fail: it is in fuzz/artifacts, and belongs into fuzz/regressions once it
# is understood.
set -eu
cd "$(dirname "$0")"
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET]..}
shift
[ $# -gt 0 ] || set -- parse differential roundtrip encode_injection history client

export RUSTC_BOOTSTRAP=1
python3 seeds.py
cargo fuzz build
binaries=target/$(rustc -vV | sed -n 's/^host: //p')/release

status=0
printf '%-18s%14s%9s%9s%9s%9s\n' target executions exec/s cov ft crashes
for target in "$@"; do
    mkdir -p "artifacts/$target" "corpus/$target" "regressions/$target"
    log=$(mktemp)
    crashed=0
    "$binaries/$target" -max_total_time="$seconds" -max_len=1024 -timeout=20 -rss_limit_mb=1024 -dict=sse.dict \
        -print_final_stats=1 -artifact_prefix="artifacts/$target/" "corpus/$target" "regressions/$target" \
        2> "$log" || crashed=1
    stat() { sed -n "s/^stat::$1: *//p" "$log"; }
    last() { sed -n "s/.* $1: \([0-9]*\).*/\1/p" "$log" | tail -n 1; }
    printf '%-18s%14s%9s%9s%9s%9s\n' "$target" "$(stat number_of_executed_units)" "$(stat average_exec_per_sec)" \
        "$(last cov)" "$(last ft)" "$crashed"
    if [ "$crashed" = 1 ]; then
        status=1
        grep -a -B 12 -A 4 -e 'ERROR: ' -e 'Test unit written' "$log" >&2 || cat "$log" >&2
    fi
    rm -f "$log"
done
exit "$status"
