#!/usr/bin/env python3
"""Writes tests/README.md: every test program with its first sentence.

scripts/test-index.py           writes the page
scripts/test-index.py --check   fails if the page is not up to date, or if a test program does not say what it is about
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "tests/README.md"
CRATES = ["sse-proto", "sse-http", "sse-tokio", "sse-async-std", "sse-blocking", "sse-hub", "sse-cli",
          "compat/eventsource-stream", "compat/reqwest-eventsource", "compat/reqwest-eventsource-013"]

HEAD = """# Index of the tests

<!-- Written by scripts/test-index.py. -->

Where is the test of a rule?

- Rules of [WHATWG HTML 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html): [`docs/conformance.md`](../docs/conformance.md) lists each
  rule with its cases, which every parser and client of this project runs. `git grep '9\\.2\\.6' -- '*.rs'` finds a section in code and
  in tests.
- A behaviour of a crate: the table of the crate below. `cargo test -p CRATE --all-features --test PROGRAM` runs a program. Unit tests stand at
  the end of the file that they test, or in `x/tests.rs` beside it.
- An attack: [`docs/attacks.md`](../docs/attacks.md) has the command of each.
- A bug of another parser or client: `sse-proto/tests/peer_bugs.rs`, and `compat/*/tests/differences.rs` for the replaced crates.

The servers of tests are those of [`sse-test`](../sse-test). `tests/scenarios`, `tests/readme` and `tests/redis.rs` are shared by several
crates, which name them by `#[path]` or a symbolic link.
"""


def sentence(path):
    """The first sentence of a file's module documentation."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("//!"):
            break
        text = line[3:].strip()
        if not text and lines:
            break
        lines.append(text)
    text = " ".join(lines).strip()
    return re.split(r"(?<=[.?])\s(?=[A-Z`])", text)[0]


def programs(crate):
    """The test programs of a crate, and the modules of each."""
    root = ROOT / crate / "tests"
    for path in sorted([*root.glob("*.rs"), *root.glob("*/main.rs")]):
        name = path.parent.name if path.name == "main.rs" else path.stem
        yield name, path


def render():
    lines, problems = [HEAD], []
    for crate in CRATES:
        table = []
        for name, path in programs(crate):
            about = sentence(path)
            if not about:
                problems.append(f"{path.relative_to(ROOT)}: the first line does not say what it is about")
            table.append(f"| [`{name}`](../{path.relative_to(ROOT)}) | {about} |")
        if table:
            lines += [f"## {crate}", "", "| program | about |", "|---|---|", *table, ""]
    return "\n".join(lines), problems


page, problems = render()
if "--check" in sys.argv:
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        problems.append("tests/README.md is not up to date: run scripts/test-index.py")
else:
    PAGE.write_text(page, encoding="utf-8")
print("\n".join(problems) or "tests/README.md lists every test program")
sys.exit(bool(problems))
