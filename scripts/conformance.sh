#!/usr/bin/env bash
# Runs `sse check` on well-known clients and servers, and writes docs/conformance-results.md.
#
# The packages are installed into target/conformance (npm, pip); nginx with nchan is used if it is there (Debian: nginx and
# libnginx-mod-nchan). It takes some ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/scripts/conformance
work=$PWD/target/conformance
mkdir -p "$work"
cargo build --release --quiet -p sse-cli
sse=$PWD/target/release/sse

cp "$here"/*.mjs "$work"
npm install --silent --no-audit --no-fund --prefix "$work" eventsource @microsoft/fetch-event-source event-source-polyfill undici \
  eventsource-parser better-sse express compression
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet httpx httpx-sse requests sseclient-py aiohttp-sse-client sse-starlette uvicorn flask
python=$work/venv/bin/python

npm_version() { node -p "require('$work/node_modules/$1/package.json').version"; }
pip_version() { "$python" -c "import importlib.metadata as m; print(m.version('$1'))"; }

results=$work/results
rm -rf "$results"; mkdir -p "$results"

client() { # NAME VERSION COMMAND..
  local name=$1 version=$2; shift 2
  echo "client $name $version" >&2
  "$sse" check --client --events json --json --jobs 4 -- "$@" >"$results/client.$name.json" || true
  printf '%s\n' "$version" >"$results/client.$name.version"
}

server() { # NAME VERSION URL
  local name=$1 version=$2 url=$3
  echo "server $name $version" >&2
  # Exit code 7 of curl: nobody listens yet. A stream that goes on is cut by the time limit, code 28.
  local code=7
  for _ in $(seq 100); do
    code=0; curl -s -o /dev/null -m 1 "$url" || code=$?
    [ $code -eq 7 ] || break
    sleep 0.1
  done
  "$sse" check --json --patience 12 "$url" >"$results/server.$name.json" || true
  printf '%s\n' "$version" >"$results/server.$name.version"
}

ours=$(git rev-parse --short HEAD)
client "sse tail" "$ours" "$sse" tail --json '{url}'
client eventsource "$(npm_version eventsource)" node "$work/eventsource.mjs" eventsource '{url}'
client undici "$(npm_version undici)" node "$work/eventsource.mjs" undici '{url}'
client event-source-polyfill "$(npm_version event-source-polyfill)" node "$work/eventsource.mjs" event-source-polyfill '{url}'
client fetch-event-source "$(npm_version @microsoft/fetch-event-source)" node "$work/fetch-event-source.mjs" '{url}'
client eventsource-parser "$(npm_version eventsource-parser)" node "$work/eventsource-parser.mjs" '{url}'
client httpx-sse "$(pip_version httpx-sse)" "$python" "$here/httpx_sse_client.py" '{url}'
client sseclient-py "$(pip_version sseclient-py)" "$python" "$here/sseclient_py_client.py" '{url}'
client aiohttp-sse-client "$(pip_version aiohttp-sse-client)" "$python" "$here/aiohttp_client.py" '{url}'

pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true' EXIT
node "$work/better-sse.mjs" 18101 & pids+=($!)
node "$work/express.mjs" 18102 & pids+=($!)
node "$work/express.mjs" 18103 compression & pids+=($!)
"$python" "$here/sse_starlette_server.py" 18104 & pids+=($!)
"$python" "$here/flask_server.py" 18105 2>/dev/null & pids+=($!)
"$sse" serve --listen 127.0.0.1:18106 >/dev/null 2>&1 & pids+=($!)
while sleep 0.2; do
  curl -s -o /dev/null -m 1 -H 'Content-Type: text/plain' -d "event" http://127.0.0.1:18106/events/news || true
done & pids+=($!)
server better-sse "$(npm_version better-sse)" http://127.0.0.1:18101/
server express "$(npm_version express)" http://127.0.0.1:18102/
server "express + compression" "$(npm_version express), $(npm_version compression)" http://127.0.0.1:18103/
server sse-starlette "$(pip_version sse-starlette)" http://127.0.0.1:18104/
server flask "$(pip_version flask)" http://127.0.0.1:18105/
server "sse serve" "$ours" http://127.0.0.1:18106/events/news
module=/usr/lib/nginx/modules/ngx_nchan_module.so
if [ -e "$module" ]; then
  mkdir -p "$work/nginx"
  printf '%s\n' "load_module $module;" 'daemon off;' "pid $work/nginx/pid;" "error_log $work/nginx/error;" 'events {}' \
    'http { access_log off; server { listen 127.0.0.1:18107;' \
    '  location /pub { nchan_publisher; nchan_channel_id news; } location /sub { nchan_subscriber eventsource; nchan_channel_id news; } } }' \
    >"$work/nginx/nginx.conf"
  nginx -c "$work/nginx/nginx.conf" & pids+=($!)
  while sleep 0.2; do curl -s -o /dev/null -m 1 -d "event" http://127.0.0.1:18107/pub || true; done & pids+=($!)
  server nchan "$(dpkg-query -W -f '${Version}' libnginx-mod-nchan)" http://127.0.0.1:18107/sub
fi

python3 "$here/results.py" "$results" docs/conformance-results.md
