"""Prints the events of aiohttp-sse-client as JSON, one a line: python aiohttp_client.py URL"""
import asyncio
import json
import sys

from aiohttp_sse_client import client


async def main():
    async with client.EventSource(sys.argv[1]) as source:
        async for event in source:
            print(json.dumps({"event": event.type or "message", "data": event.data, "id": event.last_event_id}), flush=True)


asyncio.run(main())
