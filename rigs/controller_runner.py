"""The stand-in controllers of a rig, running beside it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import structlog

from ridethrough.gateway.api import Refusal
from ridethrough.gateway.config.http import ServerTls
from ridethrough.rigs.controllers import CONTROLLERS, Controller
from ridethrough.rigs.controllers.base import ControllerContext, InputRefused
from ridethrough.rigs.controllers.client import Desk, DeskError
from ridethrough.rigs.rigfile.schema import RigFile

log = structlog.get_logger("controllers")


def trusting(tls: ServerTls | None) -> ssl.SSLContext | None:
    """Believe our own server, whatever name its certificate has, and show it its own certificate where it wants one."""
    if tls is None:
        return None
    context = ssl.create_default_context(cafile=tls.cert_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


class ControllerRunner:
    """Controllers by name. They begin when the rig runs, and end before it."""

    def __init__(self, rig: RigFile, unix_ms: Callable[[], int], headers: dict[str, str] | None = None) -> None:
        self._rig = rig
        self._unix_ms = unix_ms
        self._headers = headers
        self.desk: Desk | None = None
        self._members: dict[str, Controller[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, url: str, tls: ServerTls | None = None) -> None:
        """Let all of them begin at `url`, which has the certificate of `tls`. Raises DeskError."""
        if not self._rig.controllers:
            return
        desk = self.desk = Desk(url, self._unix_ms, self._headers, trusting(tls))
        monitors = tuple(monitor.name for monitor in self._rig.gateway.monitors)
        context = ControllerContext(self._rig, self._rig.topology(), monitors)
        self._members = {
            config.name: CONTROLLERS[config.type](config, context, desk) for config in self._rig.controllers
        }
        await desk.open()
        for name, member in self._members.items():
            self._tasks.append(asyncio.create_task(self._run(member), name=name))
        await asyncio.sleep(0)

    async def _run(self, member: Controller[Any]) -> None:
        try:
            await member.run()
        except DeskError as error:
            member.note("failed", "", str(error))
            log.error("controller ended", controller=member.name, reason=str(error))  # noqa: TRY400

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for member in self._members.values():
            await member.stop()
        if self.desk is not None:
            await self.desk.close()

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def member(self, name: str) -> Controller[Any]:
        """Raises Refusal 404."""
        member = self._members.get(name)
        if member is None:
            raise Refusal(404, f"there is no controller {name!r}; known: {', '.join(self._members) or 'none'}")
        return member

    async def take(self, name: str, word: str, args: list[str]) -> None:
        """An input for a controller. Raises Refusal."""
        try:
            await self.member(name).take(word, args)
        except (InputRefused, DeskError) as error:
            raise Refusal(422, str(error)) from error

    def rows(self) -> list[dict[str, Any]]:
        """Every controller, as its own console would show it."""
        return [
            {
                "name": name,
                "type": member.config.type,
                "inputs": {word: help_text for word, (help_text, _) in member.inputs().items()},
                **member.snapshot(),
            }
            for name, member in self._members.items()
        ]
