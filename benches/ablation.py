#!/usr/bin/env python3
"""What each shortcut of the parser buys: removes it alone, and counts instructions in every cell.

  ablation.py                  writes record/ablation.csv, and prints the tables
  ablation.py --tables         prints the tables from record/ablation.csv, as they stand in README.md
  ablation.py --check          only applies the edits: run it when `decode` has changed
  ablation.py NAME..           some of the shortcuts
  ablation.py --cells A:B,..   some cells, CORPUS:CHUNKS

A shortcut is removed by replacing text in a copy of the sources (EDITS). The parser has to stay correct: `count` refuses
to count a cell whose events are wrong. All cells of a variant take about two minutes (valgrind).
"""
import concurrent.futures
import csv
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = HERE / "target" / "ablation"
CORPORA = (
    "openai anthropic tiny 64k-line 20-lines feed openai-crlf anthropic-crlf openai-cr keep-alive chinese colons comments "
    "id-retry mcp wikimedia mixed"
).split()
CHUNKS = "whole 16k 1400 event 64 8 3 1 random".split()
# Instructions an event hardly depend on the length of the stream.
BYTES = "65536"

# name: (what is removed, [(file below sse-proto/src/decode, text, what stands in its place)])
EDITS = {
    "line": (
        "`data: ..` and a blank line read before all else (`Parser::line`)",
        [
            ("whole.rs", "if let Some(rest) = blank(rest) {\n            self", "if let Some(rest) = blank(rest).filter(|_| false) {\n            self"),
            ("whole.rs", "if line_end(rest) > 0 { None } else { self.raw", "if true { None } else { self.raw"),
        ],
    ),
    "raw-line": (
        "the same of text that is not plain (`Parser::raw_line`)",
        [("whole.rs", "if line_end(rest) > 0 { None } else { self.raw", "if true { None } else { self.raw")],
    ),
    "seen": (
        "the start of a first line that is cut, or that others follow, read at once (in `Parser::line`)",
        [("whole.rs", "if rest.is_empty() || is_data(rest.get(1..)?) {", "if false && is_data(rest) {")],
    ),
    "whole": (
        "the lane that borrows (`Parser::whole`); the first line is still read by `line`",
        [("whole.rs", "self.state == State::Block && input.len() >= least(FRAMES) &&", "false && self.state == State::Block && input.len() >= least(FRAMES) &&")],
    ),
    "comments": (
        "blocks of comments skipped in one loop (`Parser::comments`)",
        [("whole.rs", "self.state == State::Block && self.comments(input)", "false && self.comments(input)")],
    ),
    "next-line": (
        "the start of a further `data: ` line, without a turn of the state (in `Parser::end_value`)",
        [("push.rs", "if kind != Kind::Data || !whole::is_data", "if true || !whole::is_data")],
    ),
    "line-end": (
        "a chunk that is only a line end, read without a search (in `Parser::step`)",
        [("push.rs", "State::Value(kind) if matches!(", "State::Value(kind) if false && matches!(")],
    ),
    "vectors": (
        "AVX2, SSE2 and NEON (`find/vectors.rs`); eight bytes at a time in their place",
        [
            ("find/vectors.rs", "    // Most values are short, and a first look at 16 bytes finds their end.\n", "    return swar::find(bytes);\n"),
            ("find/vectors.rs", "    let Some(block) = bytes.first_chunk::<32>() else", "    return swar::find(bytes);\n    let Some(block) = bytes.first_chunk::<32>() else"),
        ],
    ),
}


def prepare(name):
    """A copy of the sources without the shortcut; its directory."""
    copy = WORK / "source"
    shutil.rmtree(copy, ignore_errors=True)
    for crate in ["sse-proto", "sse-http", "compat/eventsource-stream", "benches/parse"]:
        # Not with the times of the originals: cargo would take an older file for one that it has compiled.
        shutil.copytree(ROOT / crate, copy / crate, ignore=shutil.ignore_patterns("target"), copy_function=shutil.copyfile)
    for file in ["Cargo.toml", "Cargo.lock", "benches/Cargo.toml", "benches/Cargo.lock"]:
        shutil.copy2(ROOT / file, copy / file)
    # The copy has these crates alone.
    for manifest, members in [("Cargo.toml", '["sse-proto", "sse-http", "compat/eventsource-stream"]'), ("benches/Cargo.toml", '["parse"]')]:
        text = (copy / manifest).read_text()
        text = re.sub(r"(?m)^members = \[[^\]]*\]", f"members = {members}", text)
        text = re.sub(r"(?m)^(default-members|exclude) = \[[^\]]*\]\n?", "", text)
        (copy / manifest).write_text(text)
    for file, old, new in EDITS[name][1] if name else []:
        path = copy / "sse-proto/src/decode" / file
        text = path.read_text()
        if old not in text:
            sys.exit(f"ablation: {name}: this no longer stands in {file}:\n{old}")
        path.write_text(text.replace(old, new))
    return copy


def build(name):
    copy = prepare(name)
    target = WORK / "build"
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--bin", "count", "--manifest-path", copy / "benches/Cargo.toml"],
        env={**os.environ, "CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-A warnings"},
        check=True,
    )
    binary = WORK / f"count-{name or 'all'}"
    shutil.copy2(target / "release/count", binary)
    return binary


def count(binary, corpus, chunks):
    """Instructions an event."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=counted", "--callgrind-out-file=/dev/null", binary, corpus, chunks,
         "sse-proto event", BYTES],
        capture_output=True, text=True,
    )
    events, collected = re.search(r"events (\d+)", run.stdout), re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not events or not collected:
        sys.exit(f"ablation: {binary.name} {corpus} {chunks}: {run.stderr[-500:]}")
    return int(collected[1]) / int(events[1])


def main():
    arguments = sys.argv[1:]
    cells = [(corpus, chunks) for corpus in CORPORA for chunks in CHUNKS]
    if "--cells" in arguments:
        at = arguments.index("--cells")
        cells = [tuple(cell.split(":")) for cell in arguments[at + 1].split(",")]
        del arguments[at : at + 2]
    if arguments == ["--check"]:
        for name in EDITS:
            prepare(name)
        return
    if arguments == ["--tables"]:
        recorded()
        return
    names = arguments or list(EDITS)
    WORK.mkdir(parents=True, exist_ok=True)
    counts = {}
    for name in [None, *names]:
        binary = build(name)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            counts[name] = dict(zip(cells, pool.map(lambda cell: count(binary, *cell), cells)))
        print(f"counted: {name or 'nothing removed'}", file=sys.stderr)
    if not arguments and len(cells) == len(CORPORA) * len(CHUNKS):
        with open(HERE / "record/ablation.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["corpus", "chunks", "all", *names])
            for cell in cells:
                writer.writerow([*cell, *(round(counts[name][cell]) for name in [None, *names])])
    tables(counts, cells, names)


def tables(counts, cells, names):
    more = {name: {cell: (counts[name][cell] / counts[None][cell] - 1) * 100 for cell in cells} for name in names}
    print("| without | median | dearest cells | cheapest cell |\n|---|---|---|---|")
    for name in names:
        ordered = sorted(((percent, *cell) for cell, percent in more[name].items()), reverse=True)
        dearest = ", ".join(f"{corpus} {chunks} {percent:+.0f}" for percent, corpus, chunks in ordered[:3])
        percent, corpus, chunks = ordered[-1]
        median = statistics.median(more[name].values())
        print(f"| {EDITS[name][0]} | {median:+.0f} | {dearest} | {corpus} {chunks} {percent:+.0f} |")
    print("\n<details><summary>All cells</summary>")
    columns = [chunks for chunks in CHUNKS if any(cell[1] == chunks for cell in cells)]
    for name in names:
        print(f"\nWithout {EDITS[name][0]}:\n\n| corpus | " + " | ".join(columns) + " |\n" + "|---" * (1 + len(columns)) + "|")
        for corpus in CORPORA:
            row = [f"{more[name][cell]:+.0f}" for cell in cells if cell[0] == corpus]
            if row:
                print(f"| {corpus} | " + " | ".join(row) + " |")
    print("\n</details>")


def recorded():
    with open(HERE / "record/ablation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("corpus", "chunks", "all")]
    cells = [(row["corpus"], row["chunks"]) for row in rows]
    counts = {name: {cell: int(row[name or "all"]) for cell, row in zip(cells, rows)} for name in [None, *names]}
    tables(counts, cells, names)


if __name__ == "__main__":
    main()
