#!/usr/bin/env bash
# Builds and runs examples/frameworks, the servers that docs/frameworks.md shows: each serves an `Sse` body and a topic of a hub, and is
# asked for both, with and without a last event ID. Also the tests of handlers.
#
#   scripts/frameworks.sh              all of them
#   scripts/frameworks.sh poem warp    some of them, by name
set -euo pipefail
cd "$(dirname "$0")/.."
manifest=examples/frameworks/Cargo.toml
target=${CARGO_TARGET_DIR:-examples/frameworks/target}
export CARGO_PROFILE_DEV_DEBUG=0

# What the page shows is in the programs, word for word.
python3 - <<'PYTHON'
import pathlib, re
sources = ''.join(path.read_text() for path in sorted(pathlib.Path('examples/frameworks').glob('*/src/*.rs')))
for block in re.findall(r'```rust\n(.*?)```', pathlib.Path('docs/frameworks.md').read_text(), re.S):
    assert block in sources, f'docs/frameworks.md shows what no example has:\n{block}'
PYTHON

[ $# -gt 0 ] || set -- hyper actix poem rocket salvo warp testing
# Together, so that what they share is built once.
cargo build --quiet --manifest-path $manifest "${@/#/--package=frameworks-}"
for name in "$@"; do
  if [ "$name" = testing ]; then
    cargo test --quiet --manifest-path $manifest -p frameworks-testing
    continue
  fi
  "$target/debug/frameworks-$name" &
  server=$!
  trap 'kill $server 2>/dev/null || true' EXIT
  python3 - "$name" <<'PYTHON'
import http.client, sys, time

def get(path, events, **headers):
    """The headers and the first events of a response, each as its fields."""
    deadline = time.monotonic() + 10
    while True:
        connection = http.client.HTTPConnection('127.0.0.1', 3000, timeout=10)
        try:
            connection.request('GET', path, headers=headers)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, 'the server does not listen'
            time.sleep(0.05)
    response = connection.getresponse()
    assert response.status == 200, response.status
    blocks, fields = [], {}
    while len(blocks) < events:
        line = response.readline().decode().rstrip('\n')
        assert line or fields or not response.isclosed(), 'the response ended'
        if line:
            name, _, value = line.partition(':')
            fields[name] = value.strip()
        elif 'data' in fields:
            blocks.append(fields)
            fields = {}
    return response.headers, blocks

headers, events = get('/count', 3)
assert headers['content-type'] == 'text/event-stream', headers
assert headers['cache-control'] == 'no-cache, no-transform', headers
assert headers['x-accel-buffering'] == 'no', headers
assert [event['data'] for event in events] == ['1', '2', '3'], events

_, (first, second) = get('/news', 2)
assert int(second['data']) == int(first['data']) + 1, (first, second)
_, (again,) = get('/news', 1, **{'Last-Event-ID': first['id']})
assert again == second, (again, second)
print(f'{sys.argv[1]}: 3 events counted, 2 followed, resumed after the first')
PYTHON
  kill $server
  wait $server 2>/dev/null || true
done
