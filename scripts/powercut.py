#!/usr/bin/env python3
"""Cuts the power of a disk under `sse serve --data`, again and again: what was answered 200 is there afterwards, in order.

    cargo build --release -p sse-cli
    sudo scripts/powercut.py target/release/sse [ROUNDS]

The directory is on an ext4 of its own in a loop device. In each round four publishers publish batches with keys; at a random moment the server
is stopped, the file system is shut down without writing its log (EXT4_IOC_SHUTDOWN, as a power cut leaves it), the server is killed, and the
file system is mounted again. Needs Linux, root and loop devices. Ends with 1 if an acknowledged event is missing, comes twice, or is not after
the ones before it.
"""

import fcntl
import http.client
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import data_server

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
WITHOUT_LOG = struct.pack("I", 2)
PORT = 7919


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def request(*args, **options):
    return data_server.request(PORT, *args, **options)


def start(sse, directory):
    return data_server.start(sse, PORT, directory, "--data-bytes", str(64 << 20))


def publish(round, publisher, acknowledged, stop):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    for turn in range(1 << 30):
        if stop.is_set():
            return
        data = [f"{round}-{publisher}-{turn}-{at}" for at in range(1 + turn % 3)]
        body = json.dumps([{"data": text + " " + "x" * (turn % 40 * 20)} for text in data])
        headers = {"Content-Type": "application/vnd.sse+json", "Idempotency-Key": f"{round}-{publisher}-{turn}"}
        try:
            connection.request("POST", "/events/t", body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 200:
            acknowledged.extend(zip(data, json.loads(text)["ids"]))


def everything(last):
    """The data and IDs of all events that are kept."""
    response = request("GET", "/events/t?lastEventId=earliest")
    events, data = [], None
    while True:
        line = response.readline().decode().rstrip("\n")
        if line.startswith("event: gap"):
            sys.exit("a gap")
        if line.startswith("data: "):
            data = line[6:].split(" ")[0]
        if line.startswith("id: ") and data is not None:
            events.append((data, line[4:]))
            if data == last:
                return events
            data = None


def main():
    sse, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 25
    work = tempfile.mkdtemp(prefix="sse-powercut-")
    image, mount = os.path.join(work, "image"), os.path.join(work, "mount")
    run("truncate", "-s", "512M", image)
    run("mkfs.ext4", "-q", "-F", image)
    os.mkdir(mount)
    run("mount", "-o", "loop", image, mount)
    acknowledged = []
    try:
        for round in range(rounds):
            server = start(sse, os.path.join(mount, "data"))
            stop = threading.Event()
            threads = [threading.Thread(target=publish, args=(round, at, acknowledged, stop)) for at in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(0.3, 2))
            # First it stops, so that it acknowledges nothing that the shutdown has made fail.
            server.send_signal(signal.SIGSTOP)
            directory = os.open(mount, os.O_RDONLY)
            fcntl.ioctl(directory, SHUTDOWN, WITHOUT_LOG)
            os.close(directory)
            stop.set()
            server.kill()
            server.wait()
            for thread in threads:
                thread.join()
            run("umount", mount)
            run("mount", "-o", "loop", image, mount)
        server = start(sse, os.path.join(mount, "data"))
        last = request("POST", "/events/t", "last")
        assert last.status == 200
        events = everything("last")
        places = {data: at for at, (data, _) in enumerate(events)}
        ids = dict(events)
        missing = [data for data, id in acknowledged if ids.get(data) != id]
        if missing or len(places) != len(events):
            sys.exit(f"{len(missing)} of {len(acknowledged)} missing, {len(events) - len(places)} twice: {missing[:5]}")
        for publisher in {tuple(data.split("-")[:2]) for data, _ in acknowledged}:
            mine = [places[data] for data, _ in acknowledged if tuple(data.split("-")[:2]) == publisher]
            assert mine == sorted(mine), "not in order"
        print(f"{rounds} power cuts: {len(acknowledged)} acknowledged, 0 missing, 0 twice, in order")
        server.terminate()
        server.wait()
    finally:
        run("umount", mount)
        subprocess.run(["rm", "-rf", work])


main()
