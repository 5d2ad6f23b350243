#!/usr/bin/env python3
"""Kills the primary of a Redis under Sentinel and HAProxy, as docs/hub.md describes it: no acknowledged event is lost without a gap event.

    cargo build --release -p sse-cli
    scripts/sentinel.py target/release/sse

Starts three Redis servers, three Sentinels, HAProxy with the configuration of docs/hub.md, and two `sse serve --redis`. A publisher publishes with
keys, a subscriber follows each node. Then the primary is killed (kill -9) and comes back, Sentinel is asked for a failover, and the primary is
killed again. Prints how long publishing paused. Ends with 1 if an acknowledged event is missing without a gap event, comes twice or out of
order, or if a subscriber's connection ended. Needs redis-server, redis-cli and haproxy.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

REDIS, SENTINELS, PROXY, NODES = [7931, 7932, 7933], [7941, 7942, 7943], 7950, [7961, 7962]

# A primary without replicas refuses to write.
SAFE = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "2", "--repl-diskless-sync-delay", "0"]


class Followers:
    """A subscriber of each node: the data that it got, None for a gap event, and whether its connection ended."""

    def __init__(self):
        self.got, self.ended = {node: [] for node in NODES}, []
        for node in NODES:
            threading.Thread(target=self.follow, args=(node,), daemon=True).start()

    def follow(self, node):
        connection = http.client.HTTPConnection("127.0.0.1", node, timeout=120)
        connection.request("GET", "/events/t?lastEventId=earliest")
        is_gap = False
        for line in connection.getresponse():
            line = line.decode().rstrip("\n")
            if line == "event: gap":
                is_gap = True
            elif line.startswith("data: "):
                self.got[node].append(None if is_gap else int(line[6:]))
                is_gap = False
        self.ended.append(node)


class Publisher:
    """Publishes numbers, each with a key and until it is acknowledged, at the nodes in turn."""

    def __init__(self):
        self.acknowledged, self.refused, self.stops = [], [], False
        self.thread = threading.Thread(target=self.publish)
        self.thread.start()

    def publish(self):
        number = 0
        while not self.stops:
            for attempt in range(10_000):
                began = time.monotonic()
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", NODES[(number + attempt) % 2], timeout=5)
                    connection.request("POST", "/events/t", str(number), {"Idempotency-Key": str(number)})
                    status = connection.getresponse().status
                except OSError as error:
                    status = error
                if status == 200:
                    break
                self.refused.append((status, time.monotonic() - began))
                time.sleep(0.05)
            self.acknowledged.append((time.monotonic(), number))
            number += 1
            time.sleep(0.01)


def cli(port, *command):
    return subprocess.run(["redis-cli", "-p", str(port), *command], capture_output=True, text=True).stdout.split()


def primary():
    return int(cli(SENTINELS[0], "sentinel", "get-master-addr-by-name", "m")[1])


def until(what, condition):
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"failed: {what}")
        time.sleep(0.1)


class Setup:
    def __init__(self, sse, directory):
        self.directory, self.processes, self.servers = directory, [], {}
        self.redis(REDIS[0])
        for port in REDIS[1:]:
            self.redis(port, "--replicaof", "127.0.0.1", str(REDIS[0]))
            until("the replica follows", lambda: "master_link_status:up" in cli(port, "info", "replication"))
        for port in SENTINELS:
            config = f"{directory}/sentinel-{port}.conf"
            with open(config, "w") as file:
                file.write(f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor m 127.0.0.1 {REDIS[0]} 2\n")
                file.write("sentinel down-after-milliseconds m 2000\nsentinel failover-timeout m 10000\n")
            self.start("redis-server", config, "--sentinel")
        until("Sentinel knows the replicas", lambda: cli(SENTINELS[0], "sentinel", "replicas", "m").count("name") == 2)
        with open(os.path.join(os.path.dirname(__file__), "../docs/hub.md")) as file:
            config = re.search(r"```\n(listen redis\n.*?)```", file.read(), re.DOTALL)[1]
        config = config.replace("127.0.0.1:6380", f"127.0.0.1:{PROXY}")
        for name, port in zip(["10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"], REDIS):
            config = config.replace(name, f"127.0.0.1:{port}")
        with open(f"{directory}/haproxy.cfg", "w") as file:
            file.write(config)
        self.start("haproxy", "-f", f"{directory}/haproxy.cfg")
        for node in NODES:
            url = f"redis://127.0.0.1:{PROXY}"
            self.start(sse, "serve", "--listen", f"127.0.0.1:{node}", "--redis", url, "--max-rate", "0")
        for node in NODES:
            until("the nodes are ready", lambda: is_ready(node))

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def redis(self, port, *more):
        directory = f"{self.directory}/{port}"
        os.makedirs(directory, exist_ok=True)
        options = ["--bind", "127.0.0.1", "--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "always", *SAFE]
        self.servers[port] = self.start("redis-server", "--port", str(port), *options, *more)
        until("Redis answers", lambda: cli(port, "ping") == ["PONG"])

    def kill_primary(self):
        port = primary()
        self.servers[port].kill()
        self.servers[port].wait()
        until("another primary", lambda: primary() != port)
        self.redis(port)
        until("it is a replica", lambda: cli(port, "role")[:1] == ["slave"])

    def fail_over(self):
        port = primary()
        until("Sentinel agrees", lambda: cli(SENTINELS[0], "sentinel", "failover", "m") == ["OK"])
        until("another primary", lambda: primary() != port)
        # Sentinel leaves it a primary for about ten seconds.
        until("the former primary is a replica", lambda: cli(port, "role")[:1] == ["slave"])

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


def is_ready(node):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", node, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def check(followers, numbers):
    """The faults of what the followers got."""
    faults = [f"the connection of node {node} ended" for node in followers.ended]
    for node, got in followers.got.items():
        events, gaps = [number for number in got if number is not None], got.count(None)
        missing = sorted(set(numbers) - set(events))
        print(f"node {node}: {len(numbers)} acknowledged, {len(missing)} missing, {gaps} gap events")
        if missing and not gaps:
            faults.append(f"node {node}: no gap event for {missing}")
        if events != sorted(set(events)):
            faults.append(f"node {node}: events come twice or out of order")
    return faults


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        setup = Setup(sys.argv[1], directory)
        publisher, followers = Publisher(), Followers()
        try:
            for fault in [setup.kill_primary, setup.fail_over, setup.kill_primary]:
                time.sleep(3)
                began, refused = time.monotonic(), len(publisher.refused)
                fault()
                count = len(publisher.acknowledged)
                until("publishing goes on", lambda: len(publisher.acknowledged) > count + 100)
                times = [at for at, _ in publisher.acknowledged if at > began - 1]
                pause = max(next_one - one for one, next_one in zip(times, times[1:]))
                refusals = publisher.refused[refused:]
                slowest = max((seconds for _, seconds in refusals), default=0)
                print(f"{fault.__name__}: pause {pause:.1f} s, {len(refusals)} refusals, the slowest after {slowest:.1f} s")
            publisher.stops = True
            publisher.thread.join()
            numbers = [number for _, number in publisher.acknowledged]
            until("the last event arrives", lambda: all(got[-1:] == numbers[-1:] for got in followers.got.values()))
            faults = check(followers, numbers)
        finally:
            publisher.stops = True
            setup.stop()
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
