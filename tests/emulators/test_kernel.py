from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridethrough.emulators.bindings.device_types import LabDevice
from ridethrough.emulators.bindings.inputs import InputError
from ridethrough.emulators.build import build
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.kernel.deadlines import Deadlines
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.quantity import Quantity
from ridethrough.emulators.kernel.world import Device, LoopError, Port, World
from ridethrough.rigs.rigfile.schema import load_rig

levels = st.floats(0, 1, allow_nan=False)


@given(levels, st.floats(-0.01, 0.01, allow_nan=False), levels, st.integers(0, 10**7))
def test_a_crossing_is_the_first_instant_at_which_the_level_is_reached(
    value: float, rate: float, level: float, start: int
) -> None:
    quantity = Quantity(value, Instant(start), rate)
    crossing = quantity.crossing(level, Instant(start))
    if crossing is None:
        return
    assert crossing > start
    reached = quantity.at(crossing)
    assert reached == pytest.approx(level, abs=1e-5) or (reached - level) * rate > 0
    if crossing > start + 1:
        assert (level - quantity.at(Instant(crossing - 1))) * rate >= -1e-9


@given(levels, st.floats(-1, 1, allow_nan=False), st.integers(0, 10**8))
def test_a_quantity_stays_within_its_bounds(value: float, rate: float, now: int) -> None:
    assert 0 <= Quantity(value, Instant(0), rate).at(Instant(now)) <= 1


class Relay:
    """Shows what it sees, inverted or not, and remembers when it acted."""

    kind = "relay"

    def __init__(self, name: str, *, invert: bool = False, due: list[int] | None = None) -> None:
        self.name = name
        self.seen = Port(name, "in", False)
        self.shown = Port(name, "out", False)
        self._invert = invert
        self._due = [Instant(instant) for instant in due or []]
        self.acted: list[tuple[str, int]] = []

    def advance(self, now: Instant) -> None:
        self.acted.append((self.name, now))
        self._due = [due for due in self._due if due > now]

    def react(self, now: Instant) -> None:
        self.shown.value = self.seen.value != self._invert

    def next_deadline(self) -> Instant | None:
        return min(self._due, default=None)

    def ports(self) -> Iterable[Port[Any]]:
        return [self.shown]


def test_levels_travel_along_wires_until_nothing_changes() -> None:
    world: World[Device] = World()
    chain = [Relay(f"r{index}") for index in range(10)]
    for relay in chain:
        world.add(relay)
    for first, second in pairwise(chain):
        world.connect(first.shown, second.seen)
    chain[0].seen.value = True
    world.settle()
    assert chain[-1].shown.value


def test_a_loop_that_never_rests_names_its_ports() -> None:
    world: World[Device] = World()
    relay = Relay("bell", invert=True)
    world.add(relay)
    world.connect(relay.shown, relay.seen)
    with pytest.raises(LoopError, match=r"bell\.in"):
        world.settle()


def test_equal_instants_act_in_the_order_of_addition_and_none_is_late() -> None:
    world: World[Device] = World()
    log: list[tuple[str, int]] = []
    for name, due in (("b", [5, 10]), ("a", [5, 7])):
        relay = Relay(name, due=due)
        relay.acted = log
        world.add(relay)
    world.advance(Instant(20))
    assert log == [("b", 5), ("a", 5), ("a", 7), ("b", 10)]
    assert world.now == 20


def test_two_devices_of_one_name_are_refused() -> None:
    world: World[Device] = World()
    world.add(Relay("a"))
    with pytest.raises(ValueError, match="two devices"):
        world.add(Relay("a"))


def test_only_what_was_touched_and_what_hangs_on_it_is_looked_at() -> None:
    world: World[Device] = World()
    left, right, alone = (Relay(name) for name in ("left", "right", "alone"))
    for relay in (left, right, alone):
        world.add(relay)
    world.connect(left.shown, right.seen)
    world.settle()
    assert world.take_changed() == ["left", "right", "alone"]
    before = world.slot("alone").revision
    left.seen.value = True
    world.settle("left")
    assert right.shown.value
    assert world.take_changed() == ["left", "right"]
    assert world.take_changed() == []
    assert world.slot("alone").revision == before


@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(0, 50)), max_size=300))
def test_deadlines_are_those_that_were_put_last(puts: list[tuple[int, int | None]]) -> None:
    deadlines, plain = Deadlines(), dict[str, int]()
    for number, instant in puts:
        name = f"d{number}"
        deadlines.put(name, None if instant is None else Instant(instant))
        plain.pop(name, None)
        if instant is not None:
            plain[name] = instant
        assert deadlines.first() == min(plain.values(), default=None)
    due = deadlines.until(Instant(25))
    assert sorted(due) == sorted(name for name, instant in plain.items() if instant <= 25)
    assert [plain[name] for name in due] == sorted(plain[name] for name in due)
    assert deadlines.first() == min((instant for instant in plain.values() if instant > 25), default=None)


def test_a_deadline_that_is_put_off_again_and_again_takes_no_more_memory() -> None:
    """As that of a watchdog, which is reset every second and due in an hour."""
    deadlines = Deadlines()
    tracemalloc.start()
    for now in range(20_000):
        deadlines.put("watchdog", Instant(now + 3_600_000))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 50_000
    assert deadlines.first() == 19_999 + 3_600_000


SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"
WHOLE = ("003-a-disks", "a1080a-pair", "c4", "intelligent", "mirror", "nodes-2")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 90_000)), max_size=25),
)
def test_looking_at_what_was_touched_is_as_good_as_looking_at_all(name: str, steps: list[tuple[int, int, int]]) -> None:
    rig = load_rig(SAMPLES / f"{name}.yaml")
    worlds = [build(rig, 1_773_144_000) for _ in range(2)]
    for which, what, wait_ms in steps:
        for careful, world in enumerate(worlds):
            devices: list[Any] = list(world.devices.values())
            places = [device for device in devices if device.inputs.plain]
            place = places[which % len(places)]
            with suppress(InputError):
                place.inputs.apply(place.inputs.plain[what % len(place.inputs.plain)], [], world.now)
            world.settle(*([place.name] if careful else ()))
            world.advance(Instant(world.now + wait_ms))
            if not careful:
                world.settle()
        assert _seen(worlds[0]) == _seen(worlds[1])


def _seen(world: World[LabDevice]) -> dict[str, Any]:
    devices: list[Any] = list(world.devices.values())
    told = {
        device.name: [out.trap for out in device.outgoing] for device in devices if getattr(device, "outgoing", None)
    }
    cards = {
        device.name: [out.trap for out in device.card.outgoing] for device in devices if isinstance(device, EmulatedUps)
    }
    return {"told": told, "cards": cards, "states": {device.name: device.snapshot(world.now) for device in devices}}
