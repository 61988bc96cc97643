"""Every input of every device, while the device can do something with it and while it cannot: nothing is swallowed.

An input either changes something, or says why nothing comes of it, or asks for what is so already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum
from typing import Any

import pytest

from ridethrough.emulators.bindings.inputs import InputError, NoEffectError
from ridethrough.emulators.build import build
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.rigs.rigfile.bundled import names, resolve
from ridethrough.rigs.rigfile.schema import RigFile, load_rig, plant_of

EPOCH_S = 1_767_225_600
UNSEEN = {"_answers", "_accounts", "_cached_revision", "_instances", "_rights", "inputs"}  # what is kept to be quick
UNSEEN |= {"now", "_now", "revision"}  # what is another after every look
UNSEEN |= {"profile", "by_number", "inventory"}  # what no input changes, and which is large
NUMBERS: tuple[list[str], ...] = (["50"], ["1"], ["120"], ["job1", "60"], [])


class Desk:
    """A rig's plant, that has run for a minute."""

    def __init__(self, rig: RigFile) -> None:
        self.world = build(plant_of(rig), EPOCH_S)
        self.world.advance(Instant(0))
        self.world.settle()
        self.wait(60)

    def wait(self, seconds: float) -> None:
        self.world.advance(after(self.world.now, seconds))

    def device(self, name: str) -> Any:
        return self.world.devices[name]

    def say(self, name: str, word: str, *args: str) -> None:
        self.device(name).inputs.apply(word, list(args), self.world.now)
        self.world.settle(name)

    def each(self, kind: str, *words: str) -> None:
        for name, device in self.world.devices.items():
            if getattr(device, "kind", "") == kind:
                with suppress(InputError):
                    self.say(name, *words)
        self.wait(1)

    def state(self, name: str) -> Any:
        return _deep(self.device(name), set())


def _deep(value: Any, above: set[int]) -> Any:
    """Everything that a device remembers, to be compared."""
    if value is None or isinstance(value, int | float | str | bytes | bytearray | Enum):
        return repr(value)
    if id(value) in above:
        return "above"
    above = above | {id(value)}
    if isinstance(value, dict):
        return {repr(key): _deep(item, above) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_deep(item, above) for item in value]
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    keys = {*getattr(value, "__dict__", {}), *slots} - UNSEEN
    return {key: _deep(getattr(value, key, None), above) for key in sorted(keys)}


def _dark(desk: Desk) -> None:
    desk.each("mains", "off")
    desk.each("ups", "charge", "0")
    desk.each("intelligent_ups", "off")
    desk.wait(3600)


def _server_off(desk: Desk) -> None:
    desk.each("server", "power_button")
    desk.wait(900)


def _saying(kind: str, *words: str) -> Callable[[Desk], None]:
    return lambda desk: desk.each(kind, *words)


STATES: dict[str, Callable[[Desk], None]] = {
    "without power anywhere": _dark,
    "mains off": _saying("mains", "off"),
    "outlets off": _saying("ups", "button_off"),
    "supplies broken": _saying("psu", "fail"),
    "hub broken": _saying("hub", "break"),
    "servers off": _server_off,
    "servers hang": _saying("server", "hang"),
    "servers shut down": _saying("server", "shutdown"),
    "controllers hang": _saying("bmc", "hang"),
    "controllers start": _saying("bmc", "cold_reset"),
    "cards cut off": _saying("ups", "mute"),
    "cards start": _saying("ups", "restart"),
    "cards without their UPS": _saying("ups", "link_down"),
    "cards without their program": _saying("ups", "firmware_lost"),
}
SO_ALREADY = {  # by the word, in which of these states a device is as the word wants it
    "off": {"without power anywhere", "mains off"},
    "quiet": {"without power anywhere", "mains off"},
    "button_off": {"without power anywhere", "outlets off"},
    "fail": {"supplies broken"},
    "break": {"hub broken"},
    "shutdown": {"servers shut down"},
    "power_button": {"servers shut down"},
    "hang": {"servers hang", "controllers hang"},
    "mute": {"cards cut off"},
    "restart": {"cards start"},
    "link_down": {"cards without their UPS"},
    "firmware_lost": {"cards without their program"},
    "cold_reset": {"controllers start"},
}


def _devices() -> Iterator[tuple[str, str]]:
    """One of each sort, over all the rigs that come along: a rig and a device."""
    seen = set()
    for name in names("rig"):
        for device in Desk(load_rig(resolve(name, "rig"))).world.devices.values():
            sort = (type(device), tuple(device.inputs.help))
            if sort not in seen:
                seen.add(sort)
                yield name, device.name


def _args(rig: RigFile, device: str, word: str) -> list[str] | None:
    """Arguments that the input takes on a good day; None where this device has nothing that could be named."""
    waiting = [list(row) for row in NUMBERS]
    for row in waiting:
        try:
            Desk(rig).say(device, word, *row)
        except InputError as error:
            said = str(error)
            if found := re.search("accepted: (.*)", said):
                waiting += [[item, *row[1:]] for item in found[1].split(", ") if [item, *row[1:]] not in waiting]
            if found := re.search("groups: (.*); nodes: (.*)", said):
                waiting += [[group, node] for group in found[1].split(", ") for node in found[2].split(", ")]
        else:
            return row
    return None


@pytest.mark.timeout(400)  # a busy machine
@pytest.mark.parametrize(("name", "device"), list(_devices()))
def test_an_input_has_an_effect_or_says_why_not(name: str, device: str) -> None:
    rig = load_rig(resolve(name, "rig"))
    for word in Desk(rig).device(device).inputs.help:
        args = _args(rig, device, word)
        if args is None:
            continue
        idle = _effect(Desk(rig), device, word, args) is False  # as to mend what is whole
        for state, begin in STATES.items():
            desk = Desk(rig)
            begin(desk)
            effect = _effect(desk, device, word, args)
            if effect is False and not idle:
                assert state in SO_ALREADY.get(word, ()), f"{device} {word} with {state}: taken, and nothing came of it"


def _effect(desk: Desk, device: str, word: str, args: list[str]) -> bool | str:
    """Whether anything is another than before, or why not."""
    before = desk.state(device)
    try:
        desk.say(device, word, *args)
    except NoEffectError as error:
        assert desk.state(device) == before
        assert re.fullmatch(r"[^\n]+", str(error))
        return str(error)
    return bool(desk.state(device) != before)


@pytest.mark.parametrize("state", ["without power anywhere", "outlets off", "supplies broken"])
def test_a_controller_without_power_does_nothing_and_says_so(state: str) -> None:
    for word in Desk(load_rig(resolve("a1080a-pair", "rig"))).device("server1.bmc").inputs.help:
        desk = Desk(load_rig(resolve("a1080a-pair", "rig")))
        if state == "supplies broken":
            desk.say("server1.bmc", "supply_failed")  # something that `clear` would tell of
        STATES[state](desk)
        bmc = desk.device("server1.bmc")
        assert not bmc.lifecycle.powered
        bmc.outgoing.clear()
        log = len(bmc.model.events.log.records)
        args = ["50"] if word not in bmc.inputs.plain else []
        effect = _effect(desk, "server1.bmc", word, args)
        mechanical = {
            "clear",
            "inlet",
            "lan_cut",
            "lan_mend",
            "slow",
            "drop",
            "corrupt",
            "duplicate",
            "reorder",
            "smooth",
        }
        assert (effect == "server1.bmc has no power") is (word not in mechanical), word
        assert len(bmc.model.events.log.records) == log
        assert not bmc.outgoing


def test_what_is_repaired_without_power_is_whole_with_it() -> None:
    desk = Desk(load_rig(resolve("a1080a-pair", "rig")))
    desk.say("server1.bmc", "chassis_opened")
    states = dict(desk.device("server1.bmc").model.sensors.states)
    desk.say("UPS1", "button_off")
    desk.say("server1.bmc", "clear")
    desk.say("UPS1", "button_on")
    desk.wait(300)
    bmc = desk.device("server1.bmc")
    assert bmc.lifecycle.powered
    assert bmc.faults.active == []
    assert bmc.model.sensors.states != states
    desk.say("server1.bmc", "chassis_opened")
    assert bmc.model.sensors.states == states
