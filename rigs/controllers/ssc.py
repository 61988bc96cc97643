"""SigmaSystemCenter: maintenance mode of hosts, and requests to start them (requirements 5.1, H5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ridethrough.emulators.config.base import Name
from ridethrough.rigs.controllers.actions import NoteWriter, is_off, is_up
from ridethrough.rigs.controllers.base import Act, Controller, ControllerConfig, ControllerContext, InputRefused
from ridethrough.rigs.controllers.client import ControllerClient


class SscConfig(ControllerConfig):
    """Server of the product, and the hosts that it manages."""

    type: Literal["ssc"]
    name: Name = "ssc"
    server: Name
    """The management server; inputs are refused while it is down."""
    hosts: tuple[Name, ...]


class SscController(Controller[SscConfig]):
    """Takes hosts into and out of maintenance mode, and starts them, while its server runs."""

    config_class = SscConfig

    def __init__(self, config: SscConfig, context: ControllerContext, client: ControllerClient) -> None:
        super().__init__(config, context, client)
        self._notes = NoteWriter(client, self.note)
        self._maintenance: set[str] = set()

    async def run(self) -> None:
        """Note when the management server goes down and comes up."""
        while True:
            await self.client.until(lambda: not is_up(self.client, self.config.server))
            self.note("down", self.config.server)
            await self.client.until(lambda: is_up(self.client, self.config.server))
            self.note("up", self.config.server)

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """Maintenance mode and start of a host."""
        return {
            "maintenance_on": ("HOST and its guests go into maintenance mode", self._enter),
            "maintenance_off": ("HOST leaves maintenance mode", self._leave),
            "start": ("HOST is started", self._start),
        }

    def _host(self, args: list[str]) -> str:
        if self.client.state(self.config.server) not in ("running", "shutting-down"):
            raise InputRefused(f"{self.config.server} does not run")
        if len(args) != 1 or args[0] not in self.config.hosts:
            raise InputRefused(f"expected HOST; accepted: {', '.join(self.config.hosts)}")
        return args[0]

    async def _enter(self, args: list[str]) -> None:
        host = self._host(args)
        for place in self._with_guests(host):
            self._maintenance.add(place)
            self.note("maintenance_on", place)

    async def _leave(self, args: list[str]) -> None:
        host = self._host(args)
        for place in self._with_guests(host):
            self._maintenance.discard(place)
            self.note("maintenance_off", place)

    def _with_guests(self, host: str) -> list[str]:
        """A host, and the virtual machines on it (002 section 5.4)."""
        return [host, *(f"{host}/{guest}" for guest in self.context.plant.servers[host].guests)]

    async def _start(self, args: list[str]) -> None:
        """Starts a host by its BMC, or by its power button where it has none."""
        host = self._host(args)
        self.note("start", host)
        if not is_off(self.client, host):
            return
        if self.context.plant.servers[host].bmc is not None:
            await self.client.command(f"{host}.bmc", "power.on")
        else:
            await self.client.send_input_if_running(host, "power_button")

    def snapshot(self) -> dict[str, Any]:
        """Hosts and virtual machines in maintenance mode."""
        return {"maintenance": sorted(self._maintenance)}


CONTROLLER = SscController
