from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.kernel.instant import Instant
from emulators.kernel.quantity import Quantity
from emulators.kernel.world import LoopError, Port, World

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
    world = World()
    chain = [Relay(f"r{index}") for index in range(10)]
    for relay in chain:
        world.add(relay)
    for first, second in pairwise(chain):
        world.connect(first.shown, second.seen)
    chain[0].seen.value = True
    world.settle()
    assert chain[-1].shown.value


def test_a_loop_that_never_rests_names_its_ports() -> None:
    world = World()
    relay = Relay("bell", invert=True)
    world.add(relay)
    world.connect(relay.shown, relay.seen)
    with pytest.raises(LoopError, match=r"bell\.in"):
        world.settle()


def test_equal_instants_act_in_the_order_of_addition_and_none_is_late() -> None:
    world = World()
    log: list[tuple[str, int]] = []
    for name, due in (("b", [5, 10]), ("a", [5, 7])):
        relay = Relay(name, due=due)
        relay.acted = log
        world.add(relay)
    world.advance(Instant(20))
    assert log == [("b", 5), ("a", 5), ("a", 7), ("b", 10)]
    assert world.now == 20


def test_two_devices_of_one_name_are_refused() -> None:
    world = World()
    world.add(Relay("a"))
    with pytest.raises(ValueError, match="two devices"):
        world.add(Relay("a"))
