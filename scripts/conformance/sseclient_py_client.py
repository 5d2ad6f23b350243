"""Prints the events of sseclient-py as JSON, one a line: python sseclient_py_client.py URL"""
import json
import sys

import requests
import sseclient

response = requests.get(sys.argv[1], stream=True, headers={"Accept": "text/event-stream"})
for event in sseclient.SSEClient(response).events():
    print(json.dumps({"event": event.event, "data": event.data, "id": event.id or ""}), flush=True)
