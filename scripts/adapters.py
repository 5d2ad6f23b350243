#!/usr/bin/env python3
"""Measures that the adapters stay thin: exits with 1 if one of the three limits is exceeded.

1. The client of each adapter has at most 600 lines of code (no blank lines, comments and tests). Every file of the
   crate counts, wherever it stands, but for those that `OTHERS` names with what they are. A file of `OTHERS` must
   exist, and must not use the HTTP client.
2. No rule of HTTP stands in an adapter: default headers, the first last event ID, redirects, expectations, interim
   responses, what a proxy is sent.
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
# Files that are not a part of the client. `lib.rs` is a table of contents.
OTHERS = {
    "sse-tokio": {
        "lib.rs": "table of contents",
        "body.rs": "events of an HTTP body, without a client",
        "codec.rs": "framed transports, without a client",
        "io.rs": "events of a reader, without a client",
        "server.rs": "bodies of a server",
    },
    "sse-async-std": {
        "lib.rs": "table of contents",
        "server.rs": "bodies of a server",
    },
    # The driver of any blocking transport needs no HTTP client and no feature: it is to this crate what `stream::Driver`
    # of `sse-proto` is to the asynchronous clients.
    "sse-blocking": {
        "lib.rs": "table of contents",
        "reader.rs": "events of a reader, without a client",
        "closer.rs": "driver of any transport",
        "driver.rs": "driver of any transport",
        "transport.rs": "driver of any transport",
    },
}
# What a file of `OTHERS` must not have: the HTTP client; and `lib.rs` no code at all.
CLIENT = re.compile(r"\b(reqwest|hyper|ureq|rustls|sse_http::client|crate::client)\b")
CODE = re.compile(r"\b(fn|impl|struct|enum|trait|static|const|macro_rules)\b")
RULES = re.compile(
    r"text/event-stream|no-cache|ACCEPT\b|CACHE_CONTROL|ACCEPT_ENCODING|USER_AGENT\b|resume_after|LOCATION\b|30[12378]\b"
    r"|EXPECT\b|100-continue|EXPECTATION_FAILED|is_informational|HOST\b|(?i:proxy.authorization)|CONNECT "
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


def is_client(adapter, path):
    return str(path.relative_to(ROOT / adapter / "src")) not in OTHERS[adapter]


def problems_of_others(adapter):
    """Files of `OTHERS` that are missing, or that are a part of the client after all."""
    for name in OTHERS[adapter]:
        path = ROOT / adapter / "src" / name
        if not path.exists():
            yield f"{adapter}/src/{name} does not exist"
            continue
        forbidden = CODE if name == "lib.rs" else CLIENT
        if line := next(filter(forbidden.search, code(path)), None):
            yield f"{adapter}/src/{name} is not only {OTHERS[adapter][name]}: {line}"


def main():
    failed = False
    for adapter in ADAPTERS:
        source = ROOT / adapter / "src"
        for problem in problems_of_others(adapter):
            failed = True
            print(f"  {problem}")
        client = [path for path in sorted(source.rglob("*.rs")) if is_client(adapter, path)]
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
