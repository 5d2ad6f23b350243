#!/usr/bin/env python3
"""Counts phrases that CONTRIBUTING.md ("Plain English") advises against, and comment lines over 100 columns.

    scripts/plain-english.py              the count of each pattern
    scripts/plain-english.py --list [PATH..]   each place, in all files or in these
    scripts/plain-english.py --check      fails if there are more than the budget allows

Looked at: comments and messages in Rust, Markdown, the names of tests. Code blocks, tables and drawings may be wider.
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUDGET = {"phrases": 3, "wide": 3}

# Name of the rule, pattern. Each is one habit with its cure in CONTRIBUTING.md.
PHRASES = {
    "headless clause": r"(?:^|[.:;,(] )[Ww]ho(?:ever)? (?!is who\b)[a-z]|\bwhoever\b|\b(?:those|they|him|her|to|of|by|for|from|with|than) who\b|(?:^|\. )What (?!is\b.*\?)[a-z][^.?!]{2,60}? (?:is|are|goes|comes|has)\b(?![^.]*\?)",
    "pronoun for a noun": r"\b[Tt]he same (?:of|for|as for|goes for|but)\b|\bthat of (?:the|a|its)\b|\bthe former\b|\bthe latter\b|\bthe one (?:that|for|of|which)\b|\b[Tt]he others?\b (?:is|are|has|have)\b",
    "is no": r"(?<![Tt]here )\b(?:is|are|was|were|be|been) no (?!longer\b|more than\b|other\b|less\b|such\b)[a-z]",
    "archaic connector": r"\b(?:lest|anew|thereof|whence|hence|thus|whereas|nor do(?:es)?|of now|as a rule|come(?:s)? to nothing|came to nothing|is had|be had|no sooner|should (?:it|they|the) \w+ ,)\b|, be it\b|, say[.,;)]|\bsay so\b|\bsays so\b",
    "for, meaning because": r"(?:, |; )for (?:it|they|he|we|there|this|these|nobody|nothing|only|whoever) ",
    "machine that believes": r"\bbeliev(?:e[sd]?|ing)\b|\b(?:is|are|was|were|be|been) told\b|\btold (?:by|to|of|about|so|that)\b|\b(?:is|are|was|were|be) asked\b|\basked for\b|\bjudged?\b(?! by| for)|\bwhom\b",
    "nobody, anybody": r"\b(?:nobody|anybody|somebody|everybody)\b",
    "idiom": r"\bin vain\b|\bso (?:many|much)\b(?! (?:as|that|less|more)\b)|\blet(?:s|ting)? go\b|\bshall\b|\bof (?:ours|yours|theirs)\b|\bbut for\b|\baloud\b|\bto the letter\b|\bhears? of\b|\bheard of\b|\b(?:inside|outside) of\b|, too[.,:;]",
    "summary that leans on its neighbours": r"\A(?:It|Its|They|Their|Those|That of|These|As before|So many|What (?:it|they|came|comes|follows|stands?|was|is|are|were|there))\b|\A(?:Why|Over|How|When|Where|Then|Since)\.$",
    "aphorism": r"\ball the same\b|\bmakes? no sense\b|\bstays? at home\b|\bgoes? its way\b|\b(?:is|are) life\b|\bof (?:his|her|their|its) own accord\b|\bby hand\b(?!-)|\bcome what\b",
}
TEST_NAME = re.compile(r"^(?:or|nor|so|it|and|but|they|then|neither|who|what|he|these|those|also|either)_")


def files(paths):
    tracked = subprocess.run(["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.split():
        if name.startswith(("sse-proto/tests/data", "docs/conformance", "sse-cli/data")) or name in ("scripts/plain-english.py",):
            continue
        if name.endswith((".rs", ".md")) and not (ROOT / name).is_symlink():
            yield name


def prose(name, line, fenced):
    """The part of a line that is read as English."""
    if name.endswith(".md"):
        return "" if fenced else re.sub(r"`[^`]*`|https?://\S+", "`x`", line)
    comment = re.search(r"(?:^|\s)//[/!]?\s?(.*)", line)
    texts = [comment.group(1)] if comment else []
    if not comment:
        texts += [t for t in re.findall(r'"((?:[^"\\]|\\.)*)"', line) if t.count(" ") > 2]
    return re.sub(r"`[^`]*`|https?://\S+", "`x`", " ".join(texts))


def places(paths):
    for name in files(paths):
        fenced = False
        test = False
        previous = ""
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            if name == "CONTRIBUTING.md" and line.startswith("- "):
                continue  # The habits are quoted there.
            if line.lstrip().startswith(("```", "//! ```", "/// ```")):
                fenced = not fenced
            text = prose(name, line, fenced)
            stripped = line.lstrip()
            begins = stripped.startswith(("///", "//!")) and not previous.startswith(("///", "//!"))
            previous = stripped
            for rule, pattern in PHRASES.items():
                if rule.startswith("summary") and not begins:
                    continue
                for found in re.finditer(pattern, text, re.M):
                    yield name, number, rule, found.group(0).strip()
            if name.endswith(".rs"):
                drawn = fenced or re.search(r"[│─┌└┐┘├┤▲▼►◄◀▶]|\||://", line)
                if stripped.startswith("//") and len(line) > 100 and not drawn:
                    yield name, number, "wide", f"{len(line)} columns"
                if test and (found := re.match(r"(?:async )?fn (\w+)", stripped)):
                    test = False
                    if TEST_NAME.match(found.group(1)):
                        yield name, number, "test name", found.group(1)
                elif re.match(r"#\[(?:\w+::)?test\b", stripped):
                    test = True
                elif stripped and not stripped.startswith("#"):
                    test = False


def main():
    arguments = sys.argv[1:]
    found = list(places([a for a in arguments if not a.startswith("--")]))
    if "--list" in arguments:
        for name, number, rule, text in found:
            print(f"{name}:{number}: {rule}: {text}")
    count = collections.Counter("wide" if rule == "wide" else rule for _, _, rule, _ in found)
    for rule, n in count.most_common():
        print(f"{n:5} {rule}")
    wide = count.pop("wide", 0)
    phrases = sum(count.values())
    print(f"phrases {phrases} (budget {BUDGET['phrases']}), lines over 100 columns {wide} (budget {BUDGET['wide']})")
    if "--check" in arguments and (phrases > BUDGET["phrases"] or wide > BUDGET["wide"]):
        print("scripts/plain-english.py --list shows them; CONTRIBUTING.md has the cures")
        return 1
    return 0


sys.exit(main())
