#!/usr/bin/env python3
"""Checks docs/attacks.md: each command names a test file and a test that exist.

    scripts/attacks.py --check
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def sources(package, words):
    """The files in which the tests of a `cargo test` command stand."""
    root = ROOT / package
    if "--test" in words:
        name = words[words.index("--test") + 1]
        found = [root / f"tests/{name}.rs", *(root / f"tests/{name}").rglob("*.rs")]
        # Tests that several crates share are included by path.
        found += [*(ROOT / "tests").rglob("*.rs"), *(root / "tests").rglob("*/*.rs"), *(ROOT / "sse-test/src").rglob("*.rs")]
        return [f for f in found if f.exists()] if (root / f"tests/{name}.rs").exists() or (root / f"tests/{name}").is_dir() else []
    return list((root / "src").rglob("*.rs"))


def problems(page):
    for command in re.findall(r"`([^`]*cargo test [^`]*)`", page):
        words = command.split("cargo test ")[1].split(" -- ")[0].split()
        package = words[words.index("-p") + 1]
        files = sources(package, words)
        if not files:
            yield f"{command}: there is no such test program"
            continue
        taken = {words[i + 1] for i, w in enumerate(words) if w in ("-p", "--test", "--features", "--bin")}
        filters = [w for w in words if not w.startswith("-") and w not in taken]
        text = "\n".join(f.read_text() for f in files)
        names = re.findall(r"\b(?:fn|mod) (\w+)", text) + [f.stem for f in files]
        for wanted in filters:
            if not all(any(part in name for name in names) for part in wanted.split("::")):
                yield f"{command}: no test is called *{wanted}*"
    for script in re.findall(r"`((?:scripts|fuzz)/[\w.-]+)", page):
        if not (ROOT / script).exists():
            yield f"{script}: there is no such script"


found = list(problems((ROOT / "docs/attacks.md").read_text()))
print("\n".join(found) or "every command of docs/attacks.md names a test")
sys.exit(bool(found))
