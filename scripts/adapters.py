#!/usr/bin/env python3
"""Measures that the adapters stay thin: exits with 1 if one of the three limits is exceeded.

1. The client of each adapter has at most 600 lines of code (no blank lines, comments and tests).
2. No rule of HTTP stands in an adapter: default headers, the first last event ID, redirects.
3. Of any two files of two adapters, less than 25 % are alike: equal lines in runs of three or more, as a part of
   the smaller file, without comments and `use`. Builders are not counted.
"""

import difflib
import itertools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADAPTERS = ["sse-tokio", "sse-async-std", "sse-blocking"]
LINES, ALIKE = 600, 0.25
RULES = re.compile(
    r"text/event-stream|no-cache|ACCEPT\b|CACHE_CONTROL|ACCEPT_ENCODING|USER_AGENT\b|resume_after|LOCATION\b|30[12378]\b"
)
# The constant of `sse-http`, which a client of the user's gets.
ALLOWED = "Draft::USER_AGENT"


def code(path):
    """The lines of code of a file."""
    text = re.sub(r"#\[cfg\([^\n]*test[^\n]*\nmod tests \{.*", "", path.read_text(), flags=re.S)
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("//")]


def without_imports(lines):
    text = "\n".join(lines)
    return re.sub(r"^(pub )?use [^;]*;\n?", "", text, flags=re.M).splitlines()


def alike(a, b):
    blocks = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    smaller = min(len(a), len(b))
    return sum(block.size for block in blocks if block.size >= 3) / smaller if smaller else 0


def main():
    failed = False
    for adapter in ADAPTERS:
        source = ROOT / adapter / "src"
        client = [source / "client.rs", *sorted((source / "client").rglob("*.rs"))]
        lines = sum(len(code(path)) for path in client)
        failed |= lines > LINES
        print(f"{adapter}: {lines} lines of code in its client (at most {LINES})")
        for path in sorted(source.rglob("*.rs")):
            for line in code(path):
                if RULES.search(line.replace(ALLOWED, "")):
                    failed = True
                    print(f"  a rule of HTTP in {path.relative_to(ROOT)}: {line}")
    pairs = []
    files = {a: [p for p in (ROOT / a / "src").rglob("*.rs") if p.name != "builder.rs"] for a in ADAPTERS}
    for one, other in itertools.combinations(ADAPTERS, 2):
        for a, b in itertools.product(files[one], files[other]):
            share = alike(without_imports(code(a)), without_imports(code(b)))
            pairs.append((share, a.relative_to(ROOT), b.relative_to(ROOT)))
    pairs.sort(reverse=True)
    failed |= pairs[0][0] >= ALIKE
    print(f"the files that are most alike (less than {ALIKE:.0%}):")
    for share, a, b in pairs[:5]:
        print(f"  {share:4.0%} {a} {b}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
