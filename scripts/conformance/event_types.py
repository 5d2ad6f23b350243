"""Prints the event types of all scenarios and parse cases as a JSON list: python event_types.py FOLDER"""
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
types = {"message"}
for name, field in [("parse.json", "expect"), ("scenarios.json", "events")]:
    for case in json.loads((folder / name).read_text(encoding="utf-8")):
        types |= {event.get("event", "message") for event in case.get(field) or []}
print(json.dumps(sorted(types)))
