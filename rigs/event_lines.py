"""Following a gateway's events from outside, and an event as a line for people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

RECONNECT_S = 1.0


async def watch(url: str, tell: Callable[[dict[str, Any]], None], headers: dict[str, str] | None = None) -> None:
    """Follow the event stream of the gateway at `url` for ever, over reconnections, without missing an event."""
    last = ""
    while True:
        try:
            async for event in follow(url, last or None, headers):
                last = event["id"]
                tell(event)
        except aiohttp.ClientResponseError as error:
            if error.status == 404:
                last = ""  # a gateway that was restarted without a journal on disk: begin anew
            await asyncio.sleep(RECONNECT_S)
        except (aiohttp.ClientError, ConnectionError):
            await asyncio.sleep(RECONNECT_S)


async def follow(url: str, after: str | None, headers: dict[str, str] | None = None) -> AsyncIterator[dict[str, Any]]:
    """Events of one connection, from behind the event called `after` when it is given.

    Raises aiohttp.ClientError when the gateway cannot be reached or refuses.
    """
    wanted = dict(headers or {})
    if after is not None:
        wanted["Last-Event-ID"] = after
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{url}/v1/events/stream", headers=wanted) as answer,
    ):
        answer.raise_for_status()
        async for line in answer.content:
            if line.startswith(b"data: "):
                yield msgspec.json.decode(line[6:])


def one_line(event: dict[str, Any]) -> str:
    """An event as a person reads it."""
    data = event["data"]
    group = f" [{data['group']}]" if data.get("group") else ""
    return f"{event['time'][11:23]}  {event['type']:<26} {event['subject']:<14}{group} {data['text']}"
