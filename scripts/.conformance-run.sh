#!/usr/bin/env bash
# Runs `sse check` on well-known clients and servers, and writes docs/conformance-results.md.
#
#   scripts/conformance.sh                 all of them: some twenty minutes on two cores
#   scripts/conformance.sh undici nchan    some of them, by name; the others keep the results of the last run
#
# Installs the newest npm and pip packages into target/conformance. nginx with nchan is checked if it is installed (Debian: nginx and
# libnginx-mod-nchan). SSE=path/to/sse and FOLLOW=path/to/follow (of benches/client) take binaries instead of building them. JOBS is the
# number of scenarios at a time (4): a slow machine needs fewer, because a client has four seconds for each step.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/scripts/conformance
work=$PWD/target/conformance
results=$work/results
names=("$@")
mkdir -p "$results"
[ ${#names[@]} -gt 0 ] || rm -f "$results"/*
sse=${SSE:-$PWD/target/release/sse}
[ -n "${SSE:-}" ] || cargo build --release --quiet -p sse-cli

cp "$here"/*.mjs "$work"
npm install --silent --no-audit --no-fund --prefix "$work" eventsource @microsoft/fetch-event-source event-source-polyfill undici \
  eventsource-parser better-sse express compression
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet httpx httpx-sse requests sseclient-py aiohttp-sse-client sse-starlette uvicorn flask
python=$work/venv/bin/python
# An EventSource delivers only the types that it was asked for: those of all cases and scenarios.
python3 "$here/event_types.py" sse-proto/tests/data >"$work/types.json"

wanted() { [ ${#names[@]} -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]; }
npm_version() { node -p "require('$work/node_modules/$1/package.json').version"; }
pip_version() { "$python" -c "import importlib.metadata as m; print(m.version('$1'))"; }

rust_version() { awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, ""); print $3; exit }' benches/Cargo.lock; }

judge() { # NAME VERSION OPTIONS.. -- COMMAND..
  local name=$1 version=$2; shift 2
  wanted "$name" || return 0
  echo "client $name $version" >&2
  "$sse" check --client --events json --json --jobs "${JOBS:-4}" "$@" >"$results/client.$name.json" || true
  printf '%s\n' "$version" >"$results/client.$name.version"
}

# A client that reconnects: all scenarios and all parse cases.
client() { judge "$1" "$2" -- "${@:3}"; }

# A parser of one response, which by design does not reconnect: the parse cases alone.
reader() { judge "$1" "$2" --filter '(whole)' --filter '(byte by byte)' --filter '(cut)' -- "${@:3}"; }

server() { # NAME VERSION URL
  local name=$1 version=$2 url=$3
  wanted "$name" || return 0
  echo "server $name $version" >&2
  # Exit code 7 of curl: nobody listens yet. A stream that goes on is cut by the time limit, code 28.
  local code=7
  for _ in $(seq 100); do
    code=0; curl -s -o /dev/null -m 1 "$url" || code=$?
    [ $code -eq 7 ] || break
    sleep 0.1
  done
  "$sse" check --json --patience 20 "$url" >"$results/server.$name.json" || true
  printf '%s\n' "$version" >"$results/server.$name.version"
}

ours=$(git rev-parse --short HEAD)
client "sse-tail" "$ours" "$sse" tail --json '{url}'
for adapter in sse-tokio:client sse-async-std: sse-blocking:ureq; do
  features=${adapter#*:} adapter=${adapter%:*}
  wanted "$adapter" || continue
  cargo build --quiet -p "$adapter" --features "$features" --example follow
  cp target/debug/examples/follow "$work/$adapter"
  client "$adapter" "$ours" "$work/$adapter" '{url}'
done
client eventsource "$(npm_version eventsource)" node "$work/eventsource.mjs" eventsource '{url}'
client undici "$(npm_version undici)" node "$work/eventsource.mjs" undici '{url}'
client event-source-polyfill "$(npm_version event-source-polyfill)" node "$work/eventsource.mjs" event-source-polyfill '{url}'
client fetch-event-source "$(npm_version @microsoft/fetch-event-source)" node "$work/fetch-event-source.mjs" '{url}'
client aiohttp-sse-client "$(pip_version aiohttp-sse-client)" "$python" "$here/aiohttp_client.py" '{url}'
reader eventsource-parser "$(npm_version eventsource-parser)" node "$work/eventsource-parser.mjs" '{url}'
reader httpx-sse "$(pip_version httpx-sse)" "$python" "$here/httpx_sse_client.py" '{url}'
reader sseclient-py "$(pip_version sseclient-py)" "$python" "$here/sseclient_py_client.py" '{url}'
# The clients in Rust that benches/ compares.
follow=${FOLLOW:-$PWD/benches/target/release/follow}
for name in reqwest-eventsource eventsource-client sseer; do
  wanted "$name" || continue
  [ -n "${FOLLOW:-}" ] || cargo build --release --quiet --manifest-path benches/Cargo.toml -p bench-client --bin follow
  client "$name" "$(rust_version "$name")" "$follow" "$name" '{url}'
done
# shellcheck disable=SC2016 # the shell of the command expands them
reader "curl-sse-parse" "$(curl --version | awk 'NR == 1 { print $2 }'), $ours" \
  sh -c 'curl --silent --no-buffer "$0" | "$1" parse --json' '{url}' "$sse"

pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
serve() { # NAME COMMAND..: in the background, if it is wanted
  if wanted "$1"; then "${@:2}" >"$work/$1.log" 2>&1 & pids+=($!); fi
}
publish() { # URL: an event every 200 ms
  while sleep 0.2; do curl -s -o /dev/null -m 1 -H 'Content-Type: text/plain' -d event "$1" || true; done
}
if wanted axum; then
  cp -r "$here/axum" "$work"
  CARGO_TARGET_DIR=$work/axum/target cargo build --quiet --manifest-path "$work/axum/Cargo.toml"
fi
serve better-sse node "$work/better-sse.mjs" 18101
serve express node "$work/express.mjs" 18102
serve express-compression node "$work/express.mjs" 18103 compression
serve sse-starlette "$python" "$here/sse_starlette_server.py" 18104
serve flask "$python" "$here/flask_server.py" 18105
serve sse-serve "$sse" serve --listen 127.0.0.1:18106
serve sse-serve publish http://127.0.0.1:18106/events/news
serve axum "$work/axum/target/debug/axum-events" 18108
server better-sse "$(npm_version better-sse)" http://127.0.0.1:18101/
server express "$(npm_version express)" http://127.0.0.1:18102/
server express-compression "$(npm_version express), $(npm_version compression)" http://127.0.0.1:18103/
server sse-starlette "$(pip_version sse-starlette)" http://127.0.0.1:18104/
server flask "$(pip_version flask)" http://127.0.0.1:18105/
server sse-serve "$ours" http://127.0.0.1:18106/events/news
server axum "$(awk '/^name = "axum"$/ { getline; gsub(/"/, ""); print $3 }' "$work/axum/Cargo.lock" 2>/dev/null || true)" \
  http://127.0.0.1:18108/
module=/usr/lib/nginx/modules/ngx_nchan_module.so
if [ -e "$module" ]; then
  mkdir -p "$work/nginx"
  printf '%s\n' "load_module $module;" 'daemon off;' "pid $work/nginx/pid;" "error_log $work/nginx/error;" 'events {}' \
    'http { access_log off; server { listen 127.0.0.1:18107;' \
    '  location /pub { nchan_publisher; nchan_channel_id news; } location /sub { nchan_subscriber eventsource; nchan_channel_id news; } } }' \
    >"$work/nginx/nginx.conf"
  serve nchan nginx -c "$work/nginx/nginx.conf"
  serve nchan publish http://127.0.0.1:18107/pub
  server nchan "$(dpkg-query -W -f '${Version}' libnginx-mod-nchan)" http://127.0.0.1:18107/sub
fi

python3 "$here/results.py" "$results" docs/conformance-results.md
