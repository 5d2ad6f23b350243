#!/bin/sh
# Instructions per event, counted by callgrind: noise does not touch them.
#   count.sh             compares with instructions.txt; fails when a cell needs more than TOLERANCE percent more
#   count.sh --update    writes instructions.txt
#   count.sh CORPUS CHUNKS CONTENDER    one cell, any contender, e.g.  count.sh openai 16k 'sse-stream 0.3'
#   count.sh encode SHAPE ENCODER       one cell of the encoders, e.g.  count.sh encode openai 'russe 0.3'
set -eu
cd "$(dirname "$0")"
: "${TOLERANCE:=3}"

cargo build --quiet --release --bin count
bin=${CARGO_TARGET_DIR:-target}/release/count
log=$(mktemp)
new=$(mktemp)
trap 'rm -f "$log" "$new"' EXIT

count() {
    events=$(valgrind --tool=callgrind --toggle-collect=counted --callgrind-out-file=/dev/null \
        "$bin" "$@" 2>"$log" | sed -n 's/^events //p')
    collected=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log")
    if [ -z "$events" ] || [ -z "$collected" ]; then
        cat "$log" >&2
        exit 1
    fi
    echo $((collected / events))
}

case ${1:-} in
'' | --update) ;;
encode)
    cargo build --quiet --release -p bench-encode
    bin=${CARGO_TARGET_DIR:-target}/release/bench-encode
    count "$2" "$3"
    exit
    ;;
*)
    count "$1" "$2" "$3"
    exit
    ;;
esac

# instructions.txt: corpus|chunks|contender|instructions per event
status=0
while IFS='|' read -r corpus chunks contender before; do
    now=$(count "$corpus" "$chunks" "$contender")
    echo "$corpus|$chunks|$contender|$now" >>"$new"
    note=
    if [ $((now * 100)) -gt $((before * (100 + TOLERANCE))) ]; then
        note=' <- regression'
        status=1
    fi
    printf '%-12s %-6s %-24s %6d -> %6d%s\n' "$corpus" "$chunks" "$contender" "$before" "$now" "$note"
done <instructions.txt
if [ "${1:-}" = --update ]; then
    cp "$new" instructions.txt
    status=0
fi
exit $status
