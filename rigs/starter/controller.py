"""A controller to be replaced by your own: after a confirmed outage it ends the server, then switches its UPS off."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress

import aiohttp

AGAIN_S = 1.0  # before a gateway that cannot be heard is asked again


async def control(url: str) -> None:
    """Follow the gateway's events at `url`, and act on them, until cancelled; a gateway that is away comes back."""
    forever = aiohttp.ClientTimeout(total=None)
    last = ""
    async with aiohttp.ClientSession(url, timeout=forever) as session:
        while True:
            with suppress(aiohttp.ClientError):  # what was not done is done with the event that is told again
                async with session.get("/v1/events/stream", params={"after": last}) as stream:
                    async for line in stream.content:
                        if line.startswith(b"data:"):
                            event = json.loads(line.removeprefix(b"data:"))
                            await act(session, event)
                            last = event["id"]
            await asyncio.sleep(AGAIN_S)


async def act(session: aiohttp.ClientSession, event: dict[str, object]) -> None:
    """Answer a confirmed outage with two commands."""
    if event["type"] == "power.outage.confirmed":
        await command(session, "server1.bmc", "power.soft")
        await command(session, str(event["subject"]), "output.off_and_return")


async def command(session: aiohttp.ClientSession, device: str, name: str) -> None:
    """Give a command and wait for its end: the delay of a UPS begins when the server knows, not before."""
    async with session.post(f"/v1/devices/{device}/commands", json={"command": name}) as answer:
        answer.raise_for_status()
        given = await answer.json()
    while given["state"] in ("pending", "running"):
        await asyncio.sleep(0.1)
        async with session.get(f"/v1/commands/{given['id']}") as answer:
            answer.raise_for_status()
            given = await answer.json()


if __name__ == "__main__":
    asyncio.run(control(os.environ.get("RIDETHROUGH_URL", "http://127.0.0.1:8080")))
