"""`sse serve --data` in a process of its own, for the scripts that kill it: `kill.py`, `powercut.py`."""

import http.client
import subprocess
import sys
import threading
import time


def request(port, method, path, body=None, headers={}, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request(method, path, body, headers)
    return connection.getresponse()


def start(sse, port, directory, *options):
    """The process, once the server is ready; ends the script if it is not within 10 s."""
    server = subprocess.Popen(
        [sse, "serve", "--listen", f"127.0.0.1:{port}", "--data", directory, "--max-rate", "0", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    for _ in range(500):
        try:
            if request(port, "GET", "/readyz").status == 200:
                threading.Thread(target=server.stderr.read, daemon=True).start()
                return server
        except OSError:
            pass
        if server.poll() is not None:
            sys.exit("FAILED: the server does not start: " + server.stderr.read().decode())
        time.sleep(0.02)
    sys.exit("FAILED: the server does not get ready")
