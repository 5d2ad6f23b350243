"""Writes the table of docs/conformance-results.md: python results.py RESULTS PAGE"""
import collections
import datetime
import json
import pathlib
import sys


def main():
    results, page = map(pathlib.Path, sys.argv[1:])
    lines = [
        "# Conformance of clients and servers",
        "",
        f"Measured on {datetime.date.today()} by `scripts/conformance.sh`, which installs the newest version of each package. Scenarios are",
        "judged on the wire, parse cases by the events that a client prints; `docs/conformance.md` has them all. A parser without a client",
        "does not reconnect, so that most scenarios fail by design: its parse cases count.",
        "",
        "## Clients",
        "",
        "| client | version | scenarios | parse cases | what fails |",
        "|---|---|---|---|---|",
    ]
    for file in sorted(results.glob("client.*.json")):
        name, report = file.stem.split(".", 1)[1], json.loads(file.read_text())
        version = file.with_suffix(".version").read_text().strip()
        counts = collections.Counter()
        failed = []
        for scenario in report["scenarios"]:
            kind = "cases" if scenario["rule"].startswith("parse case") else "scenarios"
            counts[kind] += 1
            counts[kind + " passed"] += scenario["passed"]
            if not scenario["passed"] and kind == "scenarios":
                failed.append(scenario["name"])
        shown = ", ".join(failed[:6]) + (f" and {len(failed) - 6} more" if len(failed) > 6 else "")
        lines.append(
            f"| {name} | {version} | {counts['scenarios passed']} of {counts['scenarios']} "
            f"| {counts['cases passed']} of {counts['cases']} | {shown} |"
        )
    lines += ["", "## Servers", "", "| server | version | faults | advice |", "|---|---|---|---|"]
    for file in sorted(results.glob("server.*.json")):
        name, report = file.stem.split(".", 1)[1], json.loads(file.read_text())
        version = file.with_suffix(".version").read_text().strip()
        codes = lambda level: ", ".join(sorted({f["code"] for f in report["findings"] if f["level"] == level})) or "none"
        lines.append(f"| {name} | {version} | {codes('fault')} | {codes('advice')} |")
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
