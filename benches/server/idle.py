#!/usr/bin/env python3
"""Resident memory of an idle subscriber of `sse serve`, as the kernel counts it, by protocol.

Usage: benches/server/idle.py PATH_OF_SSE [SUBSCRIBERS]   (needs openssl, and `pip install h2`; default: 2000 subscribers)
"""

import asyncio
import re
import ssl
import subprocess
import sys
import tempfile

import h2.config
import h2.connection

# Name, TLS, HTTP/2, streams on one connection.
CASES = [
    ("HTTP/1.1", False, False, 1),
    ("TLS, HTTP/1.1", True, False, 1),
    ("HTTP/2", False, True, 1),
    ("TLS, HTTP/2", True, True, 1),
    ("HTTP/2, 100 streams a connection", False, True, 100),
]


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) << 10


def context(http2):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    if http2:
        tls.set_alpn_protocols(["h2"])
    return tls


async def subscribe(port, tls, http2, streams):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    if not http2:
        writer.write(b"GET /events/t HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        return writer
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.initiate_connection()
    head = [(":method", "GET"), (":path", "/events/t"), (":scheme", "https" if tls else "http"), (":authority", "localhost")]
    for number in range(streams):
        connection.send_headers(1 + 2 * number, head, end_stream=True)
    writer.write(connection.data_to_send())
    begun = 0
    while begun < streams:
        data = await reader.read(1 << 16)
        assert data, "the server ended the connection"
        connection.receive_data(data)
        begun += data.count(b"retry: ")
    writer.write(connection.data_to_send())
    return writer


async def measure(sse, directory, subscribers, name, tls, http2, streams):
    files = ["--cert", f"{directory}/cert.pem", "--key", f"{directory}/key.pem"] if tls else []
    command = [sse, "serve", "--listen", "127.0.0.1:0", *files]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    port = int(re.search(rb":(\d+)/", server.stdout.readline())[1])
    at_once = asyncio.Semaphore(50)
    client = context(http2) if tls else None

    async def one():
        async with at_once:
            return await subscribe(port, client, http2, streams)

    empty = resident(server.pid)
    held = await asyncio.gather(*(one() for _ in range(subscribers // streams)))
    # Tasks that were busy with the last connections finish.
    await asyncio.sleep(2)
    print(f"| {name} | {(resident(server.pid) - empty) // subscribers} |", flush=True)
    server.kill()
    server.wait()
    for writer in held:
        writer.transport.abort()


async def main():
    sse, subscribers = sys.argv[1], int((sys.argv[2:] or ["2000"])[0])
    print(f"| {subscribers} subscribers | bytes each |\n|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", "/CN=localhost", "-keyout", f"{directory}/key.pem", "-out", f"{directory}/cert.pem"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        for case in CASES:
            await measure(sse, directory, subscribers, *case)


asyncio.run(main())
