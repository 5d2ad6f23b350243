#!/usr/bin/env python3
"""Draws docs/demo.svg: the output of `sse demo`, line by line as it comes.

    cargo build --release && scripts/demo-svg.py target/release/sse
"""

import html
import pathlib
import re
import subprocess
import sys
import textwrap
import time

OUT = pathlib.Path(__file__).resolve().parent.parent / "docs/demo.svg"
LINE, LEFT, TOP, CHARACTER = 19, 16, 44, 7.83
HOLD = 4.0  # seconds that the last picture stands before the animation begins again


def record(command):
    """The lines that the demo prints, each with the time of its first byte."""
    process = subprocess.Popen([command, "demo"], stdout=subprocess.PIPE)
    start, lines, line, first = time.monotonic(), [], b"", None
    while byte := process.stdout.read(1):
        first = time.monotonic() - start if first is None else first
        if byte == b"\n":
            lines.append((first, line.decode()))
            line, first = b"", None
        else:
            line += byte
    return lines


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else "target/release/sse"
    # The port of the server is another one in each run.
    lines = [(t, re.sub(r":\d{4,5} ", ":8080 ", re.sub(r"\x1b\[[0-9;]*m", "", text))) for t, text in record(command)]
    # A long line goes on below, indented.
    lines = [(t, part) for t, text in lines for part in textwrap.wrap(text, 104, subsequent_indent="    ", drop_whitespace=False) or [""]]
    total = lines[-1][0] + HOLD
    height = TOP + LINE * len(lines) + 12
    width = round(2 * LEFT + CHARACTER * max(len(text) for _, text in lines))
    rows, frames, kind = [], [], "text"
    for n, (at, text) in enumerate(lines):
        kind = "cut" if text.startswith("  ~") or (text.startswith("    ") and kind == "cut") else "end" if " reconnections, " in text else "text"
        shown = 100 * at / total
        frames.append(f"@keyframes l{n}{{0%,{shown:.2f}%{{opacity:0}}{min(shown + 0.5, 100):.2f}%,100%{{opacity:1}}}}")
        rows.append(
            f'<text class="{kind}" style="animation-name:l{n}" x="{LEFT}" y="{TOP + LINE * n}" '
            f'xml:space="preserve">{html.escape(text)}</text>'
        )
    OUT.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
        "<title>sse demo: a client follows a streamed answer through eight broken connections; no event is lost or repeated</title>\n"
        "<style>text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#d8dee9;"
        f"animation:{total:.2f}s linear infinite}}.cut{{fill:#ebcb8b}}.end{{fill:#a3be8c;font-weight:bold}}"
        + "".join(frames)
        + "@media (prefers-reduced-motion:reduce){text{animation:none}}</style>\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#20242c"/>\n'
        '<circle cx="20" cy="16" r="5" fill="#bf616a"/><circle cx="36" cy="16" r="5" fill="#ebcb8b"/>'
        '<circle cx="52" cy="16" r="5" fill="#a3be8c"/>\n' + "\n".join(rows) + "\n</svg>\n"
    )
    print(f"{OUT.name}: {len(lines)} lines, {total:.1f} s")


main()
