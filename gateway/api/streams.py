"""Server-sent events: responses without an end of their own, which end when the server does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

STREAMS = web.AppKey("streams", set[asyncio.Task[object]])


def end_streams_with(application: web.Application) -> None:
    """End the open streams first when the application shuts down, before aiohttp waits for other requests.

    A stream that wakes at the very instant at which aiohttp gives up waiting for it is an error inside aiohttp.
    """
    if STREAMS not in application:
        application[STREAMS] = set()
        application.on_shutdown.append(_end)


async def open_stream(request: web.Request, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Send the headers of a stream; the caller writes events until the client leaves or the server ends."""
    own = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers={**own, **(headers or {})})
    await response.prepare(request)
    streams = request.app[STREAMS]
    if (task := asyncio.current_task()) is not None:
        streams.add(task)
        task.add_done_callback(streams.discard)
    return response


async def _end(application: web.Application) -> None:
    streams = application[STREAMS]
    ending = [*streams]
    for stream in ending:
        stream.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
