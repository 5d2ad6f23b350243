#!/usr/bin/env python3
"""Serves this directory, and a stream at /events that breaks off twice; prints what the page reports, and ends then."""

import functools
import http.server
import sys

PARTS = {
    None: b"retry: 20\nid: 1\ndata: one\n\nid: 2\nda",
    "1": "id: ü\ndata: two \N{SMILING FACE WITH SUNGLASSES}\n\n".encode(),
}


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/events":
            return super().do_GET()
        if self.headers["Authorization"] != "Bearer secret":
            return self.send_error(401)
        last_event_id = self.headers["Last-Event-ID"]
        part = PARTS.get(last_event_id)
        if part is None and last_event_id.encode("latin-1") != "ü".encode():
            return self.send_error(500)
        self.send_response(200 if part else 204)
        if part:
            self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(part or b"")

    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), end="", flush=True)
        self.send_response(204)
        self.end_headers()
        self.server.shutdown()

    def log_message(self, *_):
        pass


directory = __file__.rpartition("/")[0] or "."
port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=directory))
print(f"http://127.0.0.1:{server.server_port}/", file=sys.stderr, flush=True)
server.serve_forever()
