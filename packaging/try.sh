#!/usr/bin/env bash
# Tries each proxy of this folder that is installed, in front of `sse serve`: an event comes while the response goes on, keep-alive
# comments pass, and a second connection resumes after an ID. Caddy and HAProxy also end TLS and serve under the path /hub/: the
# page of that address may publish, a page of another one may not. Usage: packaging/try.sh [path of sse]
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

try() { # name, URL without path, path, options of curl
  local name=$1 url=$2$3/events/$1 out=$directory/$1.out origin=$2
  shift 3
  curl() { command curl "${options[@]}" "$@"; }
  local options=("$@")
  until_works curl -sf "${url%/events/*}/healthz"
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
  curl -m 3 -sN -H "Last-Event-ID: $id" "$url" >"$directory/$name.again" || true
  grep -q '^data: two' "$directory/$name.again"
  if grep -q -e '^data: one' -e '^event: gap' "$directory/$name.again"; then echo "$name: not resumed"; return 1; fi
  # The own page and no other may publish, though the server sees neither TLS nor the path.
  test "$(curl -so /dev/null -w '%{http_code}' -H "Origin: $origin" -d own "$url")" = 200
  test "$(curl -so /dev/null -w '%{http_code}' -H 'Origin: https://evil.example' -d other "$url")" = 403
  echo "$name: events at once, comments, resume, origins"
}

# A certificate for the proxies that end TLS.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$directory/key.pem" -out "$directory/cert.pem" -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost 2>/dev/null
cat "$directory/cert.pem" "$directory/key.pem" >"$directory/both.pem"

if command -v nginx >/dev/null; then
  {
    echo "daemon off; pid $directory/pid; error_log $directory/error; events {} http {"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $directory/$kind;"; done
    sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/listen 80;/listen 127.0.0.1:18081;/' "$here/nginx.conf"
    echo "}"
  } >"$directory/nginx.conf"
  nginx -c "$directory/nginx.conf" 2>/dev/null &
  pids+=($!)
  try nginx http://localhost:18081 ''
fi
if command -v caddy >/dev/null; then
  { printf '{\nadmin off\nauto_https disable_redirects\n}\n'; sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/^:80 /:18082 /' "$here/Caddyfile"
    # The same under a path, with TLS.
    sed "s|127.0.0.1:8080|127.0.0.1:18080|; s|^:80 .*|https://localhost:18084 {\ntls $directory/cert.pem $directory/key.pem\nhandle_path /hub/* {|; \$a }" \
      "$here/Caddyfile"; } >"$directory/Caddyfile"
  XDG_DATA_HOME=$directory XDG_CONFIG_HOME=$directory \
    caddy run --config "$directory/Caddyfile" --adapter caddyfile >"$directory/caddy.log" 2>&1 &
  pids+=($!)
  try caddy http://localhost:18082 ''
  try caddy-tls https://localhost:18084 /hub -k
  try caddy-tls-http1 https://localhost:18084 /hub -k --http1.1
fi
if command -v haproxy >/dev/null; then
  sed 's/127.0.0.1:8080/127.0.0.1:18080/; s/bind :80/bind 127.0.0.1:18083/; s/maxconn 20000/maxconn 1000/' "$here/haproxy.cfg" >"$directory/haproxy.cfg"
  sed -i "s|^    bind .*|&\n    bind 127.0.0.1:18085 ssl crt $directory/both.pem alpn h2,http/1.1\n    http-request replace-path ^/hub/(.*) /\\\\1|" "$directory/haproxy.cfg"
  haproxy -f "$directory/haproxy.cfg" >"$directory/haproxy.log" 2>&1 &
  pids+=($!)
  try haproxy http://localhost:18083 ''
  try haproxy-tls https://localhost:18085 /hub -k
  try haproxy-tls-http1 https://localhost:18085 /hub -k --http1.1
fi
