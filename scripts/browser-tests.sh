#!/bin/sh
# Tests the server with headless Chromium, npm clients and nginx; installs them first where they are missing.
set -eu
cd "$(dirname "$0")/.."

missing=
for program in chromium nginx openssl node npm; do
  command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
  missing=$(echo "$missing" | sed 's/\<node\>/nodejs/')
  apt-get update -qq
  # shellcheck disable=SC2086 # one word for each package
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
fi
npm ci --prefix sse-cli/tests/browser --no-audit --no-fund
cargo test -p sse-cli --test browser -- --ignored --test-threads=1
