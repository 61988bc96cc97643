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

LIFE = ("kill", "restart")  # what may be said of a program, beside its own inputs


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
        self._context: ControllerContext | None = None
        self._controllers: dict[str, Controller[Any]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.failures: list[str] = []
        """Controllers whose main task ended, a line each: nothing of them is to be expected any more."""

    async def start(self, url: str, tls: ServerTls | None = None) -> None:
        """Start all controllers as clients of `url`, which has the certificate of `tls`. Raises ApiError."""
        if not self._rig.controllers:
            return
        client = self.client = ControllerClient(url, self._unix_ms, self._headers, client_tls(tls))
        monitors = tuple(monitor.name for monitor in self._rig.gateway.monitors)
        self._context = ControllerContext(self._rig, self._rig.topology(), monitors, self._rig.environment.unlinked)
        self._controllers = {config.name: self._made(config.name) for config in self._rig.controllers}
        await client.open()
        for name, controller in self._controllers.items():
            self._tasks[name] = asyncio.create_task(self._run(controller), name=name)
        await asyncio.sleep(0)

    def _made(self, name: str) -> Controller[Any]:
        config = next(config for config in self._rig.controllers if config.name == name)
        if self.client is None or self._context is None:
            raise Refusal(409, "the controllers have not been started")
        return CONTROLLERS[config.type](config, self._context, self.client)

    async def _run(self, controller: Controller[Any]) -> None:
        try:
            await controller.run()
        except ApiError as error:
            controller.note("failed", "", str(error))
            log.error("controller ended", controller=controller.name, reason=str(error))  # noqa: TRY400
            self.failures.append(f"{controller.name} ended: {error}")
        except Exception as error:
            log.exception("controller ended", controller=controller.name)
            self.failures.append(f"{controller.name} ended: {error!r}")

    async def _kill(self, name: str) -> None:
        """End one controller at once; the orders that it has not given are lost."""
        task = self._tasks.pop(name, None)
        if task is None:
            raise Refusal(409, f"{name} does not run")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self._controllers[name].stop()

    def _start_again(self, name: str) -> None:
        """Start a killed controller: it knows what its configuration says, and what it asks for."""
        if name in self._tasks:
            raise Refusal(409, f"{name} runs")
        controller = self._controllers[name] = self._made(name)
        self._tasks[name] = asyncio.create_task(self._run(controller), name=name)

    async def stop(self) -> None:
        """Cancel all controllers and close their client."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
        """Give a controller an input, or kill it and start it again. Raises Refusal 404, 409 and 422."""
        controller = self.controller(name)
        if word in LIFE and not args and word not in controller.inputs():
            if word == "kill":
                await self._kill(name)
            else:
                self._start_again(name)
            return
        if name not in self._tasks:
            raise Refusal(409, f"{name} does not run")
        try:
            await controller.apply_input(word, args)
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
