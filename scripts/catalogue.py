#!/usr/bin/env python3
"""Writes docs/conformance.md: every rule of WHATWG HTML 9.2 with the cases that show it.

scripts/catalogue.py           writes the page
scripts/catalogue.py --check   fails if a rule has no case, if a case has no rule, or if the page is not up to date
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "sse-proto/tests/data"
PAGE = ROOT / "docs/conformance.md"
KINDS = {"parse": "parse.json", "encode": "encode.json", "scenario": "scenarios.json"}


def load(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def main():
    rules = load("rules.json")
    cases = {kind: {case["name"]: case for case in load(file)} for kind, file in KINDS.items()}
    problems, used = [], set()
    for rule in rules:
        if not rule["cases"]:
            problems.append(f"rule without a case: {rule['section']} {rule['sentence']}")
        for reference in rule["cases"]:
            kind, name = reference.split(": ", 1)
            if name not in cases.get(kind, {}):
                problems.append(f"no such case: {reference}")
            used.add((kind, name))
    for kind in ("encode", "scenario"):
        problems += [f"{kind} case without a rule: {name}" for name in cases[kind] if (kind, name) not in used]

    page = render(rules, cases)
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
            problems.append("docs/conformance.md is not up to date: run scripts/catalogue.py")
    else:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")
    print("\n".join(problems) or f"{len(rules)} rules, every one has a case")
    return 1 if problems else 0


def render(rules, cases):
    shown = lambda text: text.replace("\x00", "\\0").replace("|", "\\|")
    lines = [
        "# Conformance",
        "",
        "<!-- Written by scripts/catalogue.py from sse-proto/tests/data. -->",
        "",
        "Every rule of [WHATWG HTML 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html), and the cases that show",
        "it. Cases are data in `sse-proto/tests/data`, and the project's own tests run all of them. `sse check --client` runs the same",
        "scenarios, and with `--events json` the same parse cases, against a client in any language; `--filter NAME` runs one.",
        "",
    ]
    section = None
    for rule in rules:
        if rule["section"] != section:
            section = rule["section"]
            lines += [f"## {section}", ""]
        lines += [f"- {rule['sentence']}"]
        for reference in rule["cases"]:
            kind, name = reference.split(": ", 1)
            lines.append(f"  - {kind} case `{shown(name)}`" if kind != "scenario" else f"  - scenario `{name}`")
        lines.append("")
    lines += ["## Scenarios", "", "| scenario | section | rule |", "|---|---|---|"]
    for case in cases["scenario"].values():
        lines.append(f"| `{case['name']}` | {case['section']} | {shown(case['rule'])} |")
    lines += ["", "## Parse cases", "", "| case | source |", "|---|---|"]
    for case in cases["parse"].values():
        lines.append(f"| {shown(case['name'])} | {shown(case['source'])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
