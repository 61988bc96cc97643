"""Mistakes that a controller or the gateway can make, one or more for each invariant; explore must find every one.

They are planted with monkeypatch where all stand-ins pass: in the client through which they give orders. So they hold
whatever the stand-ins look like inside, and in forked processes, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from ridethrough.gateway.pipeline.stages import StageResult, Stages
from ridethrough.gateway.records import Event, Record
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.base import Controller
from ridethrough.rigs.controllers.client import ControllerClient
from ridethrough.rigs.explore.timeline import Spell


class Planted(NamedTuple):
    """A mistake, the rig on which it matters, and the outage that shows it."""

    invariant: str
    mistake: str
    rig: str
    spells: tuple[Spell, ...]
    plant: Callable[[pytest.MonkeyPatch], None]
    expected: tuple[dict[str, Any], ...] = ()
    """The user's own expectations."""


def _forgets_the_return(patch: pytest.MonkeyPatch) -> None:
    """Every output goes off for good, and none is ever ordered on."""
    command = ControllerClient.command

    async def wrong(self: ControllerClient, device: str, name: str, **params: Any) -> dict[str, Any]:
        if name in ("output.on", "output.reboot", "output.off_and_return"):
            name, params = "identify", {}
        elif name == "output.off":
            params = {"order": "stay_off"}
        return await command(self, device, name, **params)

    patch.setattr(ControllerClient, "command", wrong)


def _reboots_healthy_servers(patch: pytest.MonkeyPatch) -> None:
    """Whoever shuts one server down restarts the others."""
    send = ControllerClient.send_input

    async def wrong(self: ControllerClient, device: str, word: str, *args: str) -> None:
        await send(self, device, word, *args)
        if word == "shutdown" and "cuts" in self.states.get(device, {}):
            for other in [name for name, state in self.states.items() if "cuts" in state and name != device]:
                await _try(send(self, other, "reboot"))

    patch.setattr(ControllerClient, "send_input", wrong)


def _switches_off_at_once(patch: pytest.MonkeyPatch) -> None:
    """Outputs go off without waiting for the systems behind them (電源切断猶予時間)."""
    command = ControllerClient.command

    async def wrong(self: ControllerClient, device: str, name: str, **params: Any) -> dict[str, Any]:
        return await command(self, device, name, **({"order": "off_now"} if name == "output.off" else params))

    patch.setattr(ControllerClient, "command", wrong)


def _ends_the_manager_first(patch: pytest.MonkeyPatch) -> None:
    """The management server goes before the host that it manages."""
    send = ControllerClient.send_input

    async def wrong(self: ControllerClient, device: str, word: str, *args: str) -> None:
        if (device, word) == ("host1", "shutdown"):
            await _try(send(self, "manager", "shutdown"))
        await send(self, device, word, *args)

    patch.setattr(ControllerClient, "send_input", wrong)


def _orders_again_and_again(patch: pytest.MonkeyPatch) -> None:
    """An output that has been ordered off is ordered off once more."""
    command = ControllerClient.command

    async def wrong(self: ControllerClient, device: str, name: str, **params: Any) -> dict[str, Any]:
        ended = await command(self, device, name, **params)
        if name == "output.off":
            await asyncio.sleep(5)
            ended = await command(self, device, name, **params)
        return ended

    patch.setattr(ControllerClient, "command", wrong)


def _restarts_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A server that was shut down once is restarted whenever it runs."""
    send = ControllerClient.send_input
    loops: set[asyncio.Task[None]] = set()

    async def wrong(self: ControllerClient, device: str, word: str, *args: str) -> None:
        await send(self, device, word, *args)
        if word == "shutdown" and "cuts" in self.states.get(device, {}):
            task = asyncio.create_task(again(self, device), name="again")
            loops.add(task)
            task.add_done_callback(loops.discard)

    async def again(client: ControllerClient, server: str) -> None:
        while True:
            await asyncio.sleep(50)
            await _try(send(client, server, "reboot"))

    patch.setattr(ControllerClient, "send_input", wrong)
    closed = ControllerClient.close

    async def close(self: ControllerClient) -> None:
        for task in list(loops):
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await closed(self)

    patch.setattr(ControllerClient, "close", close)


def _never_clears(condition: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The gateway opens a condition and never says that it is over."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        process = Stages.process  # called by interpreted code, also where the stages are compiled

        def wrong(self: Stages, records: Sequence[Record], at: int = 0) -> StageResult:
            result = process(self, records, at)
            result.events = [event for event in result.events if not _clears(event, condition)]
            return result

        patch.setattr(Stages, "process", wrong)

    return plant


def _clears(event: Event, condition: str) -> bool:
    return bool(event.data.get("clears")) and event.data.get("condition") == condition


def _breaks_down(patch: pytest.MonkeyPatch) -> None:
    """A task of the controller ends with an exception."""
    note = Controller.note

    def wrong(self: Controller[Any], mark: str, subject: str = "", text: str = "") -> None:
        if mark == "plan":
            raise RuntimeError("planted")
        note(self, mark, subject, text)

    patch.setattr(Controller, "note", wrong)


async def _try(work: Any) -> None:
    try:
        await work
    except ApiError:
        return


LONG = (Spell("room off", "room on", 0, 900),)
PLANTED = (
    Planted("returns", "it forgets the return", "nodes-2", LONG, _forgets_the_return),
    Planted(
        "returns",
        "it forgets a return that comes while it shuts down",
        "nodes-2",
        (Spell("room off", "room on", 0, 100),),
        _forgets_the_return,
    ),
    Planted(
        "undisturbed",
        "it restarts healthy servers with the one concerned",
        "c7",
        (Spell("line3 off", "line3 on", 0, 900),),
        _reboots_healthy_servers,
    ),
    Planted("orderly", "it switches outputs off under running systems", "nodes-2", LONG, _switches_off_at_once),
    Planted(
        "order",
        "it ends the management server before its host",
        "hyper-v-ac",
        (Spell("city off", "city on", 0, 900),),
        _ends_the_manager_first,
    ),
    Planted("bounded", "it gives the same order twice", "nodes-2", LONG, _orders_again_and_again),
    Planted("bounded", "it restarts a server for ever", "nodes-2", LONG, _restarts_for_ever),
    Planted("truth", "the gateway never says that an output is on again", "nodes-2", LONG, _never_clears("output")),
    Planted("truth", "the gateway never says that the input is back", "nodes-2", LONG, _never_clears("input")),
    Planted("failures", "a task of it ends with an exception", "nodes-2", LONG, _breaks_down),
    Planted(
        "expectations",
        "its user expects what is not so",
        "nodes-2",
        LONG,
        lambda _patch: None,
        ({"expect": "no event", "type": "power.outage.confirmed"},),
    ),
)
