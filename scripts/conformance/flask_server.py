"""A server of Flask by hand, an event every 200 ms: python flask_server.py PORT"""
import sys
import time

from flask import Flask, Response, request

app = Flask(__name__)


@app.get("/")
def events():
    first = int(request.headers.get("last-event-id") or 0) + 1

    def generate():
        n = first
        while True:
            yield f"id: {n}\ndata: event {n}\n\n"
            n += 1
            time.sleep(0.2)

    return Response(generate(), mimetype="text/event-stream")


app.run(host="127.0.0.1", port=int(sys.argv[1]), threaded=True)
