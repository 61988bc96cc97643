"""The stand-in controllers of a rig, running beside it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import structlog

from ridethrough.gateway.api import Refusal
from ridethrough.gateway.config.http import ServerTls
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers import CONTROLLERS, Controller
from ridethrough.rigs.controllers.base import ControllerContext, InputRefused
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.rigfile.schema import RigFile

log = structlog.get_logger("controllers")


def client_tls(tls: ServerTls | None) -> ssl.SSLContext | None:
    """Accept the certificate of our own server under any name, and present the same one where it wants one."""
    if tls is None:
        return None
    context = ssl.create_default_context(cafile=tls.cert_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


class ControllerRunner:
    """Runs the controllers of a rig file: started after the rig, stopped before it."""

    def __init__(self, rig: RigFile, unix_ms: Callable[[], int], headers: dict[str, str] | None = None) -> None:
        self._rig = rig
        self._unix_ms = unix_ms
        self._headers = headers
        self.client: ControllerClient | None = None
        self._controllers: dict[str, Controller[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, url: str, tls: ServerTls | None = None) -> None:
        """Start all controllers as clients of `url`, which has the certificate of `tls`. Raises ApiError."""
        if not self._rig.controllers:
            return
        client = self.client = ControllerClient(url, self._unix_ms, self._headers, client_tls(tls))
        monitors = tuple(monitor.name for monitor in self._rig.gateway.monitors)
        context = ControllerContext(self._rig, self._rig.topology(), monitors, self._rig.environment.unlinked)
        self._controllers = {
            config.name: CONTROLLERS[config.type](config, context, client) for config in self._rig.controllers
        }
        await client.open()
        for name, controller in self._controllers.items():
            self._tasks.append(asyncio.create_task(self._run(controller), name=name))
        await asyncio.sleep(0)

    async def _run(self, controller: Controller[Any]) -> None:
        try:
            await controller.run()
        except ApiError as error:
            controller.note("failed", "", str(error))
            log.error("controller ended", controller=controller.name, reason=str(error))  # noqa: TRY400

    async def stop(self) -> None:
        """Cancel all controllers and close their client."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for controller in self._controllers.values():
            await controller.stop()
        if self.client is not None:
            await self.client.close()

    @property
    def names(self) -> list[str]:
        """Names of the controllers that run; empty before `start`."""
        return list(self._controllers)

    def controller(self, name: str) -> Controller[Any]:
        """Return a running controller. Raises Refusal 404."""
        controller = self._controllers.get(name)
        if controller is None:
            raise Refusal(404, f"there is no controller {name!r}; known: {', '.join(self._controllers) or 'none'}")
        return controller

    async def apply_input(self, name: str, word: str, args: list[str]) -> None:
        """Give a controller an input. Raises Refusal 404 and 422."""
        try:
            await self.controller(name).apply_input(word, args)
        except (InputRefused, ApiError) as error:
            raise Refusal(422, str(error)) from error

    def rows(self) -> list[dict[str, Any]]:
        """Return name, type, inputs and snapshot of every controller."""
        return [
            {
                "name": name,
                "type": controller.config.type,
                "inputs": {word: help_text for word, (help_text, _) in controller.inputs().items()},
                **controller.snapshot(),
            }
            for name, controller in self._controllers.items()
        ]
