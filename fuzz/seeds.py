#!/usr/bin/env python3
"""Makes the corpus to start from, in fuzz/corpus, out of the test data of sse-proto.

The formats are those that sse-proto/tests/support/checks documents.
"""

import base64
import json
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
DATA = FUZZ.parent / "sse-proto" / "tests" / "data"


def counted(value: bytes) -> bytes:
    return bytes([len(value[:255])]) + value[:255]


def write(target: str, number: int, content: bytes) -> None:
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{number:03}").write_bytes(content)


def chunk(value) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def calls(fields: dict) -> bytes:
    """The calls of the builder, in the order of the fields; a dot ends the event."""
    letters = {"comment": b"c", "event": b"e", "id": b"i", "data": b"d"}
    content = b""
    for name, value in fields.items():
        if name == "retry":
            content += b"r" + (value * 1_000_000 % 2**64).to_bytes(8, "big")
        elif value is not None:
            content += letters[name] + counted(value.encode())
    return content + b"."


for number, case in enumerate(json.loads((DATA / "parse.json").read_text())):
    chunks = [chunk(value) for value in case["chunks"]]
    stream = b"".join(chunks)
    if len(stream) > 2000:
        continue
    lengths = counted(bytes(min(len(value), 255) for value in chunks if value) if len(chunks) > 1 else b"")
    flags = number % 16
    write("parse", number, bytes([flags, 16, 4]) + lengths + stream)
    write("differential", number, lengths + stream)
    # Connected, the stream served, its end, and all of it once more; with heartbeats and diagnostics in some.
    served = b"s" + counted(stream)
    write("client", number, bytes([flags << 4, 5, 0, 0, 0, number % 3 * 5, number % 4 << 4]) + served + b"e" + served + b"w\x04p")

cases = json.loads((DATA / "encode.json").read_text())
for number, case in enumerate(cases):
    following = cases[(number + 1) % len(cases)]
    write("encode_injection", number, calls(case["fields"]))
    write("roundtrip", number, counted(bytes([number % 7])) + calls(case["fields"]) + calls(following["fields"]))

for number, limits in enumerate([(4, 250, 60), (0, 0, 0), (255, 2, 1), (1, 255, 255)]):
    for epoch in (0, 1):
        append = b"a" + counted(b"id") + b"\x05" + b"a\x00\x09" + b"a" + counted(b"e-2") + b"\x00"
        operations = b"s" + append + b"r\x00e" + append + b"w\x1ex" + b"r\x00r\x01?" + counted(b"e-3") + append
        write("history", number * 2 + epoch, bytes([*limits, epoch]) + operations)
