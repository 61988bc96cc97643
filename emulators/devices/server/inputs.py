"""The words of `ridethrough inject` for a server; the same words are its lab agent's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from ridethrough.emulators.bindings.chassis import OsState, OsTask
from ridethrough.emulators.bindings.inputs import Input, InputError, Inputs, NoEffectError, numeric, plain, while_able
from ridethrough.emulators.devices.server.software import RunningSoftware
from ridethrough.emulators.kernel.instant import Instant

_ANY_BUT_OFF = (OsState.BOOTING, OsState.RUNNING, OsState.SHUTTING_DOWN, OsState.HUNG)
HEARD = {
    "power_button": (OsState.OFF, OsState.RUNNING, OsState.SHUTTING_DOWN),
    "shutdown": (OsState.RUNNING, OsState.SHUTTING_DOWN),
    "reboot": (OsState.RUNNING,),
    "hang": _ANY_BUT_OFF,
    "clients": _ANY_BUT_OFF,
}
"""In which states of the operating system something comes of a word."""


class Runs(Protocol):
    """The server that the words are about."""

    name: str
    addresses: tuple[str, ...]
    lan_cuts: set[int]
    software: RunningSoftware

    @property
    def os(self) -> OsState:
        """The state of the operating system."""

    def unlike(self, *states: OsState) -> str:
        """Return why the operating system is in none of `states`; empty if it is in one."""

    def press_button(self, now: Instant) -> None:
        """Press the power button."""

    def order_os(self, task: OsTask, now: Instant) -> None:
        """Order the operating system to shut down or restart."""

    def hang(self, now: Instant) -> None:
        """Let the operating system hang."""

    def start_guest(self, name: str, now: Instant) -> None:
        """Start a guest. Raises NoEffectError and InputError."""

    def stop_guest(self, name: str, now: Instant) -> None:
        """Shut a guest down. Raises NoEffectError and InputError."""


def inputs_of(server: Runs) -> Inputs:
    """The table of inputs."""

    def job(args: list[str], now: Instant) -> None:
        try:
            name, seconds = args[0], float(args[1])
        except (IndexError, ValueError):
            raise InputError("expected NAME SECONDS") from None
        if server.os is not OsState.RUNNING:
            raise NoEffectError(f"{server.name} does not run")
        server.software.begin(name, seconds, now)

    def clients(count: float, _now: Instant) -> None:
        server.software.clients = int(count)

    def guest(act: Callable[[str, Instant], None]) -> Callable[[list[str], Instant], None]:
        def named(args: list[str], now: Instant) -> None:
            if len(args) != 1:
                raise InputError("expected NAME")
            act(args[0], now)

        return named

    def ordered(task: OsTask) -> Callable[[Instant], None]:
        return lambda now: server.order_os(task, now)

    def interface(change: Callable[[int], None]) -> Callable[[list[str], Instant], None]:
        def changed(args: list[str], _now: Instant) -> None:
            accepted = [str(number) for number in range(1, len(server.addresses) + 1)]
            (text,) = args or ["1"]
            if text not in accepted:
                raise InputError(f"expected the NUMBER of an interface; accepted: {', '.join(accepted)}")
            change(int(text))

        return changed

    rows = {
        "power_button": plain("the power button is pressed", server.press_button),
        "shutdown": plain("the operating system is told to shut down", ordered(OsTask.SHUTDOWN)),
        "reboot": plain("the operating system is told to restart", ordered(OsTask.REBOOT)),
        "hang": plain("the operating system hangs", server.hang),
        "job": Input("a job called NAME runs for SECONDS", job),
        "clients": numeric("COUNT clients work with the server", "COUNT", 0, 10_000, clients),
        "lan_cut": Input("the network cable of interface NUMBER is pulled", interface(server.lan_cuts.add)),
        "lan_mend": Input("the network cable of interface NUMBER is plugged in", interface(server.lan_cuts.discard)),
        "guest_start": Input("the guest called NAME is started", guest(server.start_guest)),
        "guest_stop": Input("the guest called NAME is shut down", guest(server.stop_guest)),
    }
    needed = {word: partial(server.unlike, *states) for word, states in HEARD.items()}
    return Inputs({word: while_able(needed[word], row) if word in needed else row for word, row in rows.items()})
