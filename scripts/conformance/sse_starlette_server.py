"""A server of sse-starlette, an event every 200 ms: python sse_starlette_server.py PORT"""
import asyncio
import sys

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route


async def events(request):
    async def generate():
        n = int(request.headers.get("last-event-id") or 0)
        while True:
            n += 1
            yield {"id": str(n), "data": f"event {n}"}
            await asyncio.sleep(0.2)

    return EventSourceResponse(generate())


uvicorn.run(Starlette(routes=[Route("/", events)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
