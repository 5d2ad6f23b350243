#!/usr/bin/env python3
"""Draws the charts of COMPARE.md from CSV:

  charts.py            record/parse.csv -> charts/parse.svg, record/load.csv -> charts/hub.svg

The CSV is written by `compare --chunks 16k --csv record/parse.csv` and `bench-server load 500 2 200 record/load.csv`.
Both charts are rows of dots on a logarithmic axis, because the slowest and the fastest are two powers of ten apart.
"""
import collections
import csv
import html
import math
import pathlib
import statistics

HERE = pathlib.Path(__file__).resolve().parent

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .end { text-anchor: end }
  .middle { text-anchor: middle } .grid { stroke: #d1d9e0 } .row { stroke: #e8ecf0 }
  .back { fill: #ffffff } .s0 { fill: #d1242f } .s1 { fill: #f0883e } .s2 { fill: #0969da } .s3 { fill: #8250df } .rest { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d } .row { stroke: #262c36 }
    .back { fill: #0d1117 } .s0 { fill: #ff7b72 } .s2 { fill: #58a6ff } .s3 { fill: #bc8cff } .rest { fill: #656c76 }
  }
"""
# A shape each, for those who do not see the colours.
MARKS = {
    "s0": '<circle cx="{x}" cy="{y}" r="6" class="s0"/>',
    "s1": '<path d="M{x} {y}m-6 0l6-6l6 6l-6 6z" class="s1"/>',
    "s2": '<path d="M{x} {y}m-5-5h10v10h-10z" class="s2"/>',
    "s3": '<path d="M{x} {y}m-6 5l6-11l6 11z" class="s3"/>',
    "rest": '<circle cx="{x}" cy="{y}" r="3.5" class="rest"/>',
}


def mark(kind, x, y):
    return MARKS[kind].format(x=f"{x:.1f}", y=f"{y:.1f}")


def dots(title, subtitle, unit, legend, rows, alt):
    """An SVG: `legend` is [(kind, text)], `rows` are [(label, [(kind, name, value)])], drawn in this order."""
    left, right, top, step, width = 130, 30, 96, 26, 860
    values = [value for _, points in rows for _, _, value in points]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))
    height = top + step * len(rows) + 46

    def place(value):
        share = (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return left + share * (width - left - right)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{html.escape(alt)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}"/>',
        f'<text class="title" x="16" y="26">{html.escape(title)}</text>',
        f'<text class="small" x="16" y="45">{html.escape(subtitle)}</text>',
    ]
    x = 16
    for kind, text in legend:
        out.append(mark(kind, x + 6, 66))
        out.append(f'<text x="{x + 18}" y="70">{html.escape(text)}</text>')
        x += 34 + 7.4 * len(text)
    bottom = top + step * len(rows)
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        x = place(10**power)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{top - 8}" x2="{x:.1f}" y2="{bottom}"/>')
        out.append(f'<text class="small middle" x="{x:.1f}" y="{bottom + 16}">{10**power:,}</text>')
    out.append(f'<text class="small end" x="{width - right}" y="{bottom + 34}">{html.escape(unit)}</text>')
    for index, (label, points) in enumerate(rows):
        y = top + step * index + step / 2 - 4
        out.append(f'<line class="row" x1="{left}" y1="{y}" x2="{width - right}" y2="{y}"/>')
        out.append(f'<text class="end" x="{left - 12}" y="{y + 4}">{html.escape(label)}</text>')
        for kind, name, value in points:
            tip = html.escape(f"{name}: {value:,.0f} {unit}")
            out.append(f"<g><title>{tip}</title>{mark(kind, place(value), y)}</g>")
    return "\n".join([*out, "</svg>"]) + "\n"


def parse():
    speeds = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(HERE / "record/parse.csv", newline="") as file:
        for record in csv.DictReader(file):
            if record["chunks"] == "16k" and record["verdict"] == "right":
                speeds[record["corpus"]][record["contender"]].append(float(record["mb_per_s"]))
    kinds = {"sse-proto event": "s0", "sse-proto message": "s1", "eventsource-stream 0.2": "s3"}
    rows = []
    for corpus, contenders in speeds.items():
        medians = {name: statistics.median(runs) for name, runs in contenders.items()}
        peers = {name: speed for name, speed in medians.items() if not name.startswith(("sse-proto", "sse-eventsource-stream", "limit", "split"))}
        best = max(peers, key=peers.get)
        points = [(kinds.get(name, "s2" if name == best else "rest"), name, speed) for name, speed in peers.items()]
        points.sort(key=lambda point: point[0] != "rest")
        points += [(kinds[name], name, medians[name]) for name in ["sse-proto message", "sse-proto event"]]
        rows.append((corpus, points))
    legend = [
        ("s0", "sse-proto, borrowed"),
        ("s1", "sse-proto, owned"),
        ("s2", "best of ten other parsers"),
        ("s3", "eventsource-stream"),
        ("rest", "the others"),
    ]
    return dots(
        "Parsing: megabytes a second of CPU time",
        "Streams of 256 KiB in chunks of 16 KiB, one row for each kind of stream; further right is faster",
        "MB/s", legend, rows, "Throughput of sse-proto and ten other parsers for each kind of stream",
    )


def hub():
    rows = collections.defaultdict(list)
    kinds = {"hub": "s0", "hub on disk": "s1", "axum + broadcast": "s2", "nginx + nchan": "s3"}
    with open(HERE / "record/load.csv", newline="") as file:
        for record in csv.DictReader(file):
            per_second = 1e6 / float(record["cpu_us_per_delivery"])
            burst = int(record["burst"])
            label = "one at a time" if burst == 1 else f"bursts of {burst}"
            rows[label].append((kinds[record["server"]], record["server"], per_second))
            subscribers, size = record["subscribers"], record["bytes"]
    legend = [("s0", "sse-hub"), ("s1", "sse-hub on disk"), ("s2", "axum's Sse over tokio's broadcast"), ("s3", "nginx + nchan")]
    return dots(
        "Serving: deliveries in a second of the server's CPU time",
        f"{subscribers} subscribers over loopback, {size} bytes of data an event; further right is cheaper",
        "deliveries", legend, [(label, points[::-1]) for label, points in rows.items()],
        "Deliveries in a CPU second of the hub, of axum's Sse over a broadcast channel, and of nginx with nchan",
    )


def main():
    (HERE / "charts").mkdir(exist_ok=True)
    (HERE / "charts/parse.svg").write_text(parse())
    (HERE / "charts/hub.svg").write_text(hub())


if __name__ == "__main__":
    main()
