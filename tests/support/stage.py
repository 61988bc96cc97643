"""A whole rig in the test's own process, in time that jumps, behind real sockets and its HTTP interface."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from ridethrough.mibs import standard_tree
from ridethrough.rigs.clock import Clock, run
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.runtime import GatewayProcess, assemble
from tests.support.live import sample

START_S = 1_767_225_600
Body = Callable[["Stage"], Awaitable[None]]


class Stage:
    """A running rig and an HTTP client."""

    def __init__(self, process: GatewayProcess, session: aiohttp.ClientSession, trap_port: int) -> None:
        self.process = process
        self.session = session
        self.url = f"http://{process.site.api.bind}"
        self.trap_port = trap_port

    async def get(self, path: str, status: int = 200, **headers: str) -> Any:
        async with self.session.get(self.url + path, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: Any, status: int, **headers: str) -> Any:
        async with self.session.post(self.url + path, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    def trap(self, data: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, ("127.0.0.1", self.trap_port))

    def inject(self, place: str, name: str) -> None:
        assert self.process.emulators is not None
        self.process.emulators.inject(place, name, [])

    async def types(self) -> list[tuple[str, str]]:
        events = (await self.get("/v1/events?limit=1000"))["events"]
        return [(event["type"], event["subject"]) for event in events]

    async def done(self, command: dict[str, Any]) -> dict[str, Any]:
        while command["state"] in ("pending", "running"):
            await asyncio.sleep(1)
            command = await self.get(f"/v1/commands/{command['id']}")
        return command


def stage(body: Body, change: dict[str, Any] | None = None, data: Path | None = None) -> None:
    document = sample("a1080a-pair.yaml") | (change or {})
    rig = RigFile.model_validate(document)
    bind = f"127.0.0.1:{free_port()}"

    async def play() -> None:
        process = assemble(rig, standard_tree(), Clock(START_S), "max", data, bind)
        await process.start()
        try:
            async with aiohttp.ClientSession() as session:
                await body(Stage(process, session, rig.ports.trap))
        finally:
            await process.stop()

    run(play(), "max")
