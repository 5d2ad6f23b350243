#!/usr/bin/env bash
# Tries each proxy of this folder that is installed, in front of `sse serve`: an event comes while the response goes on, keep-alive
# comments pass, and a second connection resumes after an ID. Usage: packaging/try.sh [path of sse]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sse=${1:-$here/../target/debug/sse}
directory=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$directory"' EXIT

RUST_LOG=off "$sse" serve --listen 127.0.0.1:18080 --keep-alive 1 --retry 100 >"$directory/serve" &
pids+=($!)

# Repeats a command until it works, for at most ten seconds.
until_works() {
  for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "gave up: $*"; return 1
}

try() { # name, URL
  local url=$2/events/$1 out=$directory/$1.out
  until_works curl -sf "$2/healthz"
  curl -sN "$url" >"$out" &
  local reader=$!
  pids+=("$reader")
  until_works grep -q '^retry: 100' "$out"
  local id
  id=$(curl -sf -d one "$url" | cut -d'"' -f4)
  # The response goes on: whatever is in the file now came at once.
  until_works grep -q '^data: one' "$out"
  until_works grep -q '^:' "$out"
  kill -0 "$reader"
  curl -sf -d two "$url" >/dev/null
  timeout 3 curl -sN -H "Last-Event-ID: $id" "$url" >"$directory/$1.again" || true
  grep -q '^data: two' "$directory/$1.again"
  if grep -q -e '^data: one' -e '^event: gap' "$directory/$1.again"; then echo "$1: not resumed"; return 1; fi
  echo "$1: events at once, comments, resume"
}

if command -v nginx >/dev/null; then
  {
    echo "daemon off; pid $directory/pid; error_log $directory/error; events {} http {"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $directory/$kind;"; done
    sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/listen 80;/listen 127.0.0.1:18081;/' "$here/nginx.conf"
    echo "}"
  } >"$directory/nginx.conf"
  nginx -c "$directory/nginx.conf" 2>/dev/null &
  pids+=($!)
  try nginx http://localhost:18081
fi
if command -v caddy >/dev/null; then
  { echo "{ admin off
}"; sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/^:80 /:18082 /' "$here/Caddyfile"; } >"$directory/Caddyfile"
  XDG_DATA_HOME=$directory XDG_CONFIG_HOME=$directory \
    caddy run --config "$directory/Caddyfile" --adapter caddyfile >"$directory/caddy.log" 2>&1 &
  pids+=($!)
  try caddy http://localhost:18082
fi
if command -v haproxy >/dev/null; then
  sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/bind :80/bind 127.0.0.1:18083/; s/maxconn 20000/maxconn 1000/' "$here/haproxy.cfg" >"$directory/haproxy.cfg"
  haproxy -f "$directory/haproxy.cfg" >"$directory/haproxy.log" 2>&1 &
  pids+=($!)
  try haproxy http://localhost:18083
fi
