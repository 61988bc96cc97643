"""A controller that knows nothing of Ridethrough: it hears a gateway over HTTP, and asks UPS cards over SNMP.

While a UPS runs on battery it looks at the run time that the card foretells. When less is left than the servers need to
end in order, it has their BMCs press the power buttons, and the UPS switch itself off.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import aiohttp
from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    ObjectIdentity,
    ObjectType,
    SnmpDispatcher,
    UdpTransportTarget,
    get_cmd,
)

RUN_TIME_REMAINING = "1.3.6.1.4.1.318.1.1.1.2.2.3.0"  # upsAdvBatteryRunTimeRemaining, in hundredths of a second
AGAIN_S = 2.0  # before a broken stream is taken up again


class Shedder:
    """One UPS and what hangs on it."""

    def __init__(self, session: aiohttp.ClientSession, options: argparse.Namespace) -> None:
        self._session = session
        self._ups: str = options.ups
        self._card: tuple[str, int] = options.card
        self._bmcs: list[str] = options.bmc
        self._least_s: float = options.least_s
        self._every_s: float = options.every_s
        self._watching: asyncio.Task[None] | None = None

    def hear(self, event: dict[str, str]) -> None:
        """Begin to watch with an outage, and end with its end."""
        if event["subject"] != self._ups:
            return
        if event["type"] == "power.outage.confirmed" and self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        elif event["type"] == "ups.input.restored" and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        while (left_s := await run_time_s(self._card)) is None or left_s >= self._least_s:
            print("on battery,", "the card is silent" if left_s is None else f"{left_s:.0f} s left", flush=True)
            await asyncio.sleep(self._every_s)
        print(f"{left_s:.0f} s left: shutting down", flush=True)
        await asyncio.gather(*(self._command(bmc, "power.soft") for bmc in self._bmcs))
        await self._command(self._ups, "output.off")

    async def _command(self, device: str, command: str) -> None:
        """Give a command and wait for its end: the delay of the UPS may begin when the servers know, not before."""
        async with self._session.post(f"/v1/devices/{device}/commands", json={"command": command}) as answer:
            print(command, device, answer.status, flush=True)
            if not answer.ok:
                return
            given = await answer.json()
        while given["state"] in ("pending", "running"):
            await asyncio.sleep(self._every_s)
            async with self._session.get(f"/v1/commands/{given['id']}") as answer:
                given = await answer.json()
        print(command, device, given["state"], flush=True)


async def run_time_s(card: tuple[str, int]) -> float | None:
    """What the card foretells; None when it does not answer."""
    with SnmpDispatcher() as dispatcher:
        target = await UdpTransportTarget.create(card, timeout=1, retries=1)
        asked = ObjectType(ObjectIdentity(RUN_TIME_REMAINING))
        error, status, _index, binds = await get_cmd(dispatcher, CommunityData("public", mpModel=0), target, asked)
        return None if error or status else int(binds[0][1]) / 100


async def follow(session: aiohttp.ClientSession, shedder: Shedder) -> None:
    """Hear every event once: a stream that breaks goes on behind the last event known."""
    last = ""
    while True:
        try:
            async with session.get("/v1/events/stream", headers={"Last-Event-ID": last} if last else {}) as stream:
                stream.raise_for_status()
                print("listening", flush=True)
                async for line in stream.content:
                    name, _, value = line.decode().strip().partition(":")
                    if name == "id":
                        last = value.strip()
                    elif name == "data":
                        shedder.hear(json.loads(value))
        except aiohttp.ClientError as error:
            print(f"the gateway cannot be heard: {error}", flush=True)
        await asyncio.sleep(AGAIN_S)


async def main(options: argparse.Namespace) -> None:
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(options.url, timeout=forever) as session:
        await follow(session, Shedder(session, options))


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the gateway")
    parser.add_argument("--ups", required=True, help="the UPS's name at the gateway")
    parser.add_argument("--card", required=True, type=address, metavar="HOST:PORT", help="its SNMP card")
    parser.add_argument("--bmc", action="append", default=[], help="a BMC's name at the gateway; may be repeated")
    parser.add_argument("--least-s", type=float, default=600, help="run time at which the servers have to go")
    parser.add_argument("--every-s", type=float, default=10, help="how often the card is asked")
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
