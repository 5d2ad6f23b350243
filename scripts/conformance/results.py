"""Writes docs/conformance-results.md: python results.py RESULTS PAGE"""
import collections
import datetime
import json
import pathlib
import sys

# How each client is driven, where that is not `new EventSource(url)`; and what its authors decided otherwise than the specification.
CLIENTS = {
    "fetch-event-source": "`onclose` throws, which its README gives for reconnecting; otherwise its defaults. It repeats whatever fails "
    "unless the application throws in `onerror`.",
    "event-source-polyfill": "The last event ID goes into a query parameter by default, because a header needs a preflight.",
    "eventsource-parser": "A parser: the application makes the request. Its `id` is that of one event.",
    "httpx-sse": "One response: the application reconnects. It yields blocks without data too, so that the application sees `retry`.",
    "sseclient-py": "One response: the application reconnects. Its `id` is that of one event.",
    "curl-sse-parse": "`curl --no-buffer` piped into `sse parse --json`.",
    "aiohttp-sse-client": "Its reconnection time doubles before the first wait. It prints `message` where the type is `None`.",
    "reqwest-eventsource": "`benches/client/src/bin/follow.rs`. Its `Last-Event-ID` is empty, not absent, without an ID.",
    "eventsource-client": "`benches/client/src/bin/follow.rs`.",
    "sseer": "`benches/client/src/bin/follow.rs`.",
    "sse-tail": "`sse tail --json`.",
    "sse-tokio": "The example `follow`.",
    "sse-async-std": "The example `follow`.",
    "sse-blocking": "The example `follow`.",
}
SERVERS = {
    "express": "`response.write` by hand.",
    "express-compression": "The same with the middleware `compression` in front.",
    "flask": "A generator, on Flask's own server of development.",
    "better-sse": "A session with its defaults.",
    "sse-starlette": "`EventSourceResponse` with its defaults, on uvicorn.",
    "axum": "`Sse` with its default keep-alive.",
    "nchan": "`nchan_subscriber eventsource` in nginx, published to every 200 ms. It keeps 10 messages by default, and tells no gap after more.",
    "sse-serve": "The command of this project, published to every 200 ms.",
}


def main():
    results, page = map(pathlib.Path, sys.argv[1:])
    clients, servers = load(results, "client", CLIENTS), load(results, "server", SERVERS)
    lines = [
        "# Conformance of clients and servers",
        "",
        f"Results of `sse check` on well-known clients and servers, of {datetime.date.today()}. `scripts/conformance.sh` installs the newest",
        "version of each package, runs it, and writes this page. [conformance.md](conformance.md) lists every scenario and case.",
        "",
        "## Clients",
        "",
        "Each client is a program of a few lines in `scripts/conformance/`, which opens a URL and prints events. Scenarios are judged by the",
        "requests that the server receives; parse cases by the events that the program prints, each case whole, byte by byte, and cut into",
        "irregular pieces. A parser or a reader of one response does not reconnect by design, so it has parse cases alone. Where a package",
        "returns the ID of one event instead of the last event ID, and documents that, IDs that are absent are not compared.",
        "",
        "| client | version | scenarios | parse cases | how it is run |",
        "|---|---|---|---|---|",
    ]
    lines += [client_row(*client) for client in clients]
    lines += ["", "### What fails", ""]
    for name, version, report in clients:
        lines += client_failures(name, version, report)
    lines += [
        "## Servers",
        "",
        "Each server sends an event every 200 ms with its defaults. A fault breaks clients, or delays or loses events; advice does not.",
        "",
        "| server | version | faults | advice | how it is run |",
        "|---|---|---|---|---|",
    ]
    for name, version, report in servers:
        lines.append(f"| {name} | {version} | {codes(report, 'fault')} | {codes(report, 'advice')} | {SERVERS.get(name, '')} |")
    details = [line for name, _, report in servers for line in server_faults(name, report)]
    if details:
        lines += ["", "### Faults", "", *details]
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def load(results, kind, order):
    """The reports of a kind with their names and versions: ours first, then by name."""
    found = []
    for file in results.glob(f"{kind}.*.json"):
        name = file.stem.split(".", 1)[1]
        version = file.with_suffix(".version").read_text(encoding="utf-8").strip()
        found.append((name, version, json.loads(file.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda item: (not item[0].startswith("sse-") or item[0] == "sse-starlette", item[0]))


def is_case(scenario):
    return scenario["rule"].startswith("parse case")


def client_row(name, version, report):
    counts = collections.Counter()
    for scenario in report["scenarios"]:
        kind = "cases" if is_case(scenario) else "scenarios"
        counts[kind] += 1
        counts[kind + " passed"] += scenario["passed"]

    def shown(kind):
        return f"{counts[kind + ' passed']} of {counts[kind]}" if counts[kind] else "by design none"

    return f"| {name} | {version} | {shown('scenarios')} | {shown('cases')} | {CLIENTS.get(name, '')} |"


def client_failures(name, version, report):
    failed = [scenario for scenario in report["scenarios"] if not scenario["passed"]]
    if not failed:
        return []
    lines = [f"**{name} {version}**", ""]
    for scenario in failed:
        if not is_case(scenario):
            lines.append(f"- `{scenario['name']}` ({scenario['section']}): {plain(scenario['failure'])}")
    cases = collections.defaultdict(list)
    for scenario in failed:
        if is_case(scenario):
            case, cut = scenario["name"].rsplit(" (", 1)
            cases[case].append(cut.rstrip(")"))
    if cases:
        named = [f"`{case}`" + ("" if len(set(cuts)) == 3 else f" ({', '.join(cuts)})") for case, cuts in cases.items()]
        lines.append(f"- parse cases: {'; '.join(named)}")
    return [*lines, ""]


def codes(report, level):
    return ", ".join(sorted({finding["code"] for finding in report["findings"] if finding["level"] == level})) or "none"


def server_faults(name, report):
    for finding in report["findings"]:
        if finding["level"] == "fault":
            evidence = "; ".join(finding.get("evidence", [])[:3])
            yield f"- {name}, `{finding['code']}`: {plain(finding['message'])}" + (f" ({plain(evidence)})" if evidence else "")


def plain(text):
    """Text of a report as one cell of Markdown."""
    return text.replace("|", "\\|").replace("\n", "\\n").replace("<", "&lt;")


if __name__ == "__main__":
    main()
