"""An LED of the front and the flag of the card that says the same never disagree, whatever the state."""

from __future__ import annotations

from itertools import product

import pytest

from ridethrough.emulators.devices.ups.snmp.flags import (
    FLAG_BOOST,
    FLAG_ON_BATTERY,
    FLAG_ON_LINE,
    FLAG_OVERLOAD,
    FLAG_REPLACE_BATTERY,
    FLAG_TRIM,
    positions,
)
from tests.emulators.rig import Desk, american

LED_FLAGS = {
    "on-line": FLAG_ON_LINE,
    "boost": FLAG_BOOST,
    "trim": FLAG_TRIM,
    "on-battery": FLAG_ON_BATTERY,
    "overload": FLAG_OVERLOAD,
    "replace-battery": FLAG_REPLACE_BATTERY,
}
LINES = {"on": "on-line", "volts 110": "boost", "volts 126.5": "trim", "off": "on-battery"}
ACTS = ("link_down", "button_off", "age 6", "trouble transfer")


def _in_state(line: str, acts: tuple[str, ...], watts: float) -> Desk:
    desk = american()
    desk.ups.outlet("load").demand_w.value = watts
    for act in acts:
        desk.inject("UPS1", *act.split())
    desk.inject("city", *line.split())
    return desk


@pytest.mark.parametrize("line", LINES)
def test_leds_and_flags_agree(line: str) -> None:
    for picked, watts in product(product((True, False), repeat=len(ACTS)), (0.0, 5000.0)):
        acts = tuple(act for act, done in zip(ACTS, picked, strict=True) if done)
        desk = _in_state(line, acts, watts)
        flags = positions(desk.ups)
        lit = [name for name, flag in LED_FLAGS.items() if flag in flags]
        assert desk.device.snapshot(desk.world.now)["lamps"] == lit, (line, acts, watts)


@pytest.mark.parametrize(("line", "led"), LINES.items())
def test_the_led_of_a_line(line: str, led: str) -> None:
    assert led in _in_state(line, (), 0.0).device.snapshot(0)["lamps"]
