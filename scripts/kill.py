#!/usr/bin/env python3
"""Kills `sse serve --data` at random moments (kill -9): what was answered is so after the restart.

    cargo build --release -p sse-cli
    scripts/kill.py target/release/sse [ROUNDS]

The directory keeps 8 MiB, so the oldest events are dropped all the time. In each round six publishers publish batches with keys to four topics,
two more topics are published to, ended by DELETE and checked, and a subscriber of each topic resumes after the last event that it has. After
each restart: every acknowledged event is there, in order and once, or older than the oldest kept one; a batch that was not answered is
repeated with its key and is there once; a repeated key gets the same IDs, byte for byte; a topic whose DELETE was answered is refused, and
none of its events comes back; the subscriber gets no gap that is smaller or larger than what was dropped. Ends with 1 otherwise.
"""

import http.client
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from urllib.parse import quote

import data_server

PORT = 7921
TOPICS = [f"t{at}" for at in range(4)]


def request(*args, **options):
    return data_server.request(PORT, *args, **options)


def fail(what):
    sys.exit(f"FAILED: {what}")


def start(sse, directory):
    return data_server.start(
        sse, PORT, directory, "--data-bytes", str(8 << 20), "--history-events", "64", "--ended-for", "5",
    )


class Publisher:
    """Publishes batches with keys, and remembers what was answered."""

    def __init__(self, name, topic):
        self.name, self.topic, self.turn = name, topic, 0
        self.acknowledged = []  # (data, id)
        self.last = None  # key, body, answer
        self.open = None  # key, body, data of the batch that was not answered

    def post(self, connection, key, body):
        headers = {"Content-Type": "application/vnd.sse+json", "Idempotency-Key": key}
        connection.request("POST", f"/events/{self.topic}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def run(self, stop):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        while not stop.is_set():
            self.turn += 1
            data = [f"{self.name}-{self.turn}-{at}" for at in range(1 + self.turn % 3)]
            body = json.dumps([{"data": text + " " + "x" * (self.turn % 40 * 20)} for text in data])
            self.open = (f"{self.name}-{self.turn}", body, data)
            if not self.send(connection):
                return

    def send(self, connection):
        key, body, data = self.open
        try:
            status, answer = self.post(connection, key, body)
        except (OSError, http.client.HTTPException):
            return False
        if status == 503:
            self.open = None
            time.sleep(0.05)
            return True
        if status != 200:
            fail(f"{status} {answer}")
        self.acknowledged.extend(zip(data, json.loads(answer)["ids"]))
        self.last, self.open = (key, body, answer), None
        return True

    def check(self):
        """Repeats the batch without an answer, then the last one that was answered."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        last = self.last
        if self.open is not None and not self.send(connection):
            fail("no answer after a restart")
        if last is not None:
            status, answer = self.post(connection, last[0], last[1])
            if (status, answer) != (200, last[2]):
                fail(f"the key {last[0]} got {status} {answer}, not {last[2]}")


class Reader:
    """Follows a topic, and resumes after the last event that it has."""

    def __init__(self, topic):
        self.topic, self.id, self.number, self.seen, self.gaps = topic, None, 0, [], 0

    def run(self, until=None):
        """Reads to the end of the connection, or to the event with the data `until`."""
        try:
            response = request("GET", f"/events/{self.topic}?lastEventId={quote(self.id or 'earliest')}", timeout=30)
            kind, data = None, None
            while line := response.readline().decode():
                line = line.rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    data = line[6:].split(" ")[0] if kind is None else line[6:]
                elif line.startswith("id: "):
                    self.id, number = line[4:], int(line[4:].split("-")[1])
                    if kind == "gap":
                        missed = json.loads(data)["missed"]
                        if missed is None or number != self.number + missed:
                            fail(f"{self.topic}: a gap of {missed} from {self.number} to {number}")
                        self.gaps += missed
                    elif data is not None:
                        if number != self.number + 1 and self.number:
                            fail(f"{self.topic}: {number} after {self.number}")
                        self.seen.append((data, self.id))
                    self.number = number
                elif not line:
                    if until is not None and data == until:
                        return
                    kind, data = None, None
        except (OSError, http.client.HTTPException):
            if until is not None:
                fail(f"{self.topic}: the reader got no {until}")


def delete(round, log, stop):
    """Publishes to a topic of this round, ends it, and notes what was answered."""
    name = f"gone{round}"
    try:
        for at in range(3):
            if request("POST", f"/events/{name}", f"deleted-{round}-{at}").status != 200:
                return
        time.sleep(random.uniform(0, 1))
        log.append([name, None, time.time()])
        status = request("DELETE", f"/events/{name}").status
        if status != 204:
            fail(f"DELETE {status}")
        log[-1][1] = status
    except (OSError, http.client.HTTPException):
        pass


def main():
    sse, rounds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50
    directory = tempfile.mkdtemp(prefix="sse-kill-")
    publishers = [Publisher(f"p{at}", TOPICS[at % len(TOPICS)]) for at in range(6)]
    readers = [Reader(topic) for topic in TOPICS]
    deleted, repeated, refused, dropped = [], 0, 0, 0
    server = start(sse, directory)
    try:
        for round in range(rounds):
            stop = threading.Event()
            threads = [threading.Thread(target=publisher.run, args=(stop,), daemon=True) for publisher in publishers]
            threads += [threading.Thread(target=reader.run, daemon=True) for reader in readers]
            threads.append(threading.Thread(target=delete, args=(round, deleted, stop), daemon=True))
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(0.2, 1.5))
            server.send_signal(signal.SIGKILL)
            server.wait()
            stop.set()
            for thread in threads:
                thread.join()
            repeated += sum(publisher.open is not None for publisher in publishers)
            server = start(sse, directory)
            for publisher in publishers:
                publisher.check()
            if deleted and deleted[-1][1] == 204 and time.time() - deleted[-1][2] < 4:
                name = deleted[-1][0]
                answers = request("POST", f"/events/{name}", "x").status, request("GET", f"/events/{name}").status
                if answers != (410, 204) and time.time() - deleted[-1][2] < 5:
                    fail(f"{name} was ended, and answers {answers}")
                refused += 1
            for topic, reader in zip(TOPICS, readers):
                last = f"last-{round}"
                if request("POST", f"/events/{topic}", last).status != 200:
                    fail("no answer after a restart")
                reader.run(last)
                everything = Reader(topic)
                everything.run(last)
                check(topic, everything.seen, publishers)
                dropped = max(dropped, everything.number - len(everything.seen))
            for name, status, _ in deleted[-3:-1]:
                if status == 204:
                    response = request("GET", "/topics?limit=1000")
                    if name in [topic.get("name") for topic in json.loads(response.read()).get("topics", [])]:
                        fail(f"{name} is back")
            server_ids = sum(len(publisher.acknowledged) for publisher in publishers)
        ended = sum(status == 204 for _, status, _ in deleted)
        read = sum(len(reader.seen) for reader in readers)
        print(f"{rounds} times kill -9: {server_ids} events acknowledged, 0 missing, 0 twice, in order; {repeated} batches without an answer repeated; "
              f"{read} events read by 4 readers that resumed, gaps of {sum(reader.gaps for reader in readers)} events told; "
              f"{ended} topics ended, {refused} checked after a restart; {dropped} events of a topic dropped by size")
        server.terminate()
        server.wait()
    finally:
        server.kill()
        shutil.rmtree(directory)


def check(topic, kept, publishers):
    ids = dict(kept)
    if len(ids) != len(kept):
        fail(f"{topic}: {len(kept) - len(ids)} events twice")
    oldest = int(kept[0][1].split("-")[1])
    places = {data: at for at, (data, _) in enumerate(kept)}
    for publisher in publishers:
        if publisher.topic != topic:
            continue
        mine = [(data, id) for data, id in publisher.acknowledged if int(id.split("-")[1]) >= oldest]
        missing = [data for data, id in mine if ids.get(data) != id]
        if missing:
            fail(f"{topic}: {len(missing)} acknowledged events are missing: {missing[:5]}")
        order = [places[data] for data, _ in mine]
        if order != sorted(order):
            fail(f"{topic}: not in order")


main()
