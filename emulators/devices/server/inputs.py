"""The words of `ridethrough inject` for a server; the same words are its lab agent's."""

from __future__ import annotations

from typing import Protocol

from ridethrough.emulators.bindings.chassis import OsState, OsTask
from ridethrough.emulators.bindings.inputs import Input, InputError, Inputs, numeric, plain
from ridethrough.emulators.devices.server.software import Software
from ridethrough.emulators.kernel.instant import Instant


class Runs(Protocol):
    """The server that the words are about."""

    name: str
    software: Software

    @property
    def os(self) -> OsState: ...

    def press_button(self, now: Instant) -> None: ...

    def tell(self, task: OsTask, now: Instant) -> None: ...

    def hang(self, now: Instant) -> None: ...

    def start_guest(self, name: str, now: Instant) -> None: ...


def inputs_of(server: Runs) -> Inputs:
    """The table of inputs."""

    def job(args: list[str], now: Instant) -> None:
        try:
            name, seconds = args[0], float(args[1])
        except (IndexError, ValueError):
            raise InputError("expected NAME SECONDS") from None
        if server.os is not OsState.RUNNING:
            raise InputError(f"{server.name} does not run")
        server.software.begin(name, seconds, now)

    def clients(count: float, _now: Instant) -> None:
        server.software.clients = int(count)

    def guest(args: list[str], now: Instant) -> None:
        if len(args) != 1:
            raise InputError("expected NAME")
        server.start_guest(args[0], now)

    return Inputs(
        {
            "power_button": plain("the power button is pressed", server.press_button),
            "shutdown": plain(
                "the operating system is told to shut down", lambda now: server.tell(OsTask.SHUTDOWN, now)
            ),
            "reboot": plain("the operating system is told to restart", lambda now: server.tell(OsTask.REBOOT, now)),
            "hang": plain("the operating system hangs", server.hang),
            "job": Input("a job called NAME runs for SECONDS", job),
            "clients": numeric("COUNT clients work with the server", "COUNT", 0, 10_000, clients),
            "guest_start": Input("the guest called NAME is started", guest),
        }
    )
