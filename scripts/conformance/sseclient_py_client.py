"""Prints the events of sseclient-py as JSON, one a line: python sseclient_py_client.py URL

Its `id` is the field of that one event, not the last event ID, so an event without the field prints none.
"""
import json
import sys

import requests
import sseclient

response = requests.get(sys.argv[1], stream=True, headers={"Accept": "text/event-stream"})
for event in sseclient.SSEClient(response).events():
    printed = {"event": event.event, "data": event.data}
    if event.id is not None:
        printed["id"] = event.id
    print(json.dumps(printed), flush=True)
