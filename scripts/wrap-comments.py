#!/usr/bin/env python3
"""Wraps comments of Rust files at 100 columns: rustfmt does that on nightly alone.

    scripts/wrap-comments.py [PATH..]    rewrites the paragraphs that have a longer line

Lists keep their indentation. Code, tables, headings, link definitions and drawings stay as they are.
"""

import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH = 100
COMMENT = re.compile(r"^(\s*)(//[/!]?)( ?)(.*)$")
ITEM = re.compile(r"^(\s*)([-*+]|\d+\.) +")
FIXED = re.compile(r"^\s*(\||#|\[[^\]]+\]:|```|~~~|    )|[│─┌└┐┘├┤┬┴┼►◄▲▼═║]")


def wrap(prefix, lines):
    """The lines of one paragraph, wrapped again, without their prefix."""
    if all(len(prefix) + len(line) <= WIDTH for line in lines):
        return lines
    item = ITEM.match(lines[0])
    hang = " " * len(item.group(0)) if item else re.match(r"\s*", lines[0]).group(0)
    first = lines[0][: len(item.group(0))] if item else hang
    text = " ".join(line.strip() for line in [lines[0][len(first):], *lines[1:]])
    # Code spans hold no line breaks.
    text = re.sub(r"`[^`]*`", lambda span: span.group(0).replace(" ", "\0"), text)
    wrapped = textwrap.wrap(
        text, WIDTH - len(prefix), initial_indent=first, subsequent_indent=hang,
        break_long_words=False, break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in wrapped]


def rewrite(source):
    out, block, prefix, fence = [], [], None, False

    def flush():
        nonlocal block
        if block:
            out.extend((prefix + line).rstrip() for line in wrap(prefix, block))
        block = []

    for line in source.split("\n"):
        comment = COMMENT.match(line)
        if not comment:
            flush()
            fence = False
            out.append(line)
            continue
        indent, slashes, space, text = comment.groups()
        here = indent + slashes + " "
        if "```" in text:
            flush()
            fence = not fence
            out.append(line)
            continue
        if fence or not text.strip() or not space or FIXED.search(text):
            flush()
            out.append(line)
            continue
        if here != prefix or ITEM.match(text):
            flush()
        prefix = here
        block.append(text)
    flush()
    return "\n".join(out)


names = subprocess.run(["git", "ls-files", *(sys.argv[1:] or ["."])], cwd=ROOT, capture_output=True, text=True, check=True)
for name in names.stdout.split():
    path = ROOT / name
    if name.endswith(".rs") and not path.is_symlink():
        before = path.read_text()
        after = rewrite(before)
        if after != before:
            path.write_text(after)
            print(name)
